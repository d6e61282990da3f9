import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ADMIN_TOKEN } from './kit/admin.ts';
import { type ApiServer, binaries, startApiServer } from './kit/server.ts';

let api: ApiServer;
beforeAll(async () => void (api = await startApiServer()));
afterAll(() => api?.stop());

const manifests = join(import.meta.dirname, '../../../examples/kubernetes');

async function kubectl(...args: string[]): Promise<string> {
  const access = [`--server=${api.url}`, `--certificate-authority=${api.ca}`, `--token=${ADMIN_TOKEN}`];
  const env = { ...process.env, KUBECONFIG: join(api.folder, 'kubectl.config') };
  return (await promisify(execFile)(join(binaries(), 'kubectl'), [...access, ...args], { env })).stdout;
}

it('examples/kubernetes is taken as it is, with no word of warning, and gives its client just the right it needs', async () => {
  const applied: string[] = [];
  for (const file of ['orders.yaml', 'rbac.yaml', 'client.yaml']) {
    const out = await kubectl('apply', '--validate=strict', '--filename', join(manifests, file));
    applied.push(...out.trim().split('\n'));
  }
  expect(applied.filter((line) => !line.endsWith(' created'))).toEqual([]);
  const name = await kubectl('get', 'deployment', 'web', '--output=jsonpath={.spec.template.spec.serviceAccountName}');
  const account = `system:serviceaccount:default:${name}`;
  const may = (verb: string, what: string): Promise<string> =>
    kubectl('auth', 'can-i', verb, what, '--as', account).catch(() => 'no\n');
  expect(await may('list', 'endpointslices.discovery.k8s.io')).toBe('yes\n');
  expect(await may('watch', 'endpointslices.discovery.k8s.io')).toBe('yes\n');
  expect(await may('list', 'secrets')).toBe('no\n');
});
