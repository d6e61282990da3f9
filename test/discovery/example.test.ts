import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { statusFault } from '../../src/discovery/kubernetes/fault.ts';
import { ApiServer, slice } from '../kit/apiserver.ts';

const folder = join(import.meta.dirname, '../../examples/kubernetes');

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [field: string]: unknown;
}

async function manifests(name: string): Promise<Manifest[]> {
  const documents = parseAllDocuments(await readFile(join(folder, name), 'utf8'));
  expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
  return documents.map((document) => document.toJS() as Manifest);
}

it('the manifests fit together: account, role, labels, and the rule that errors print', async () => {
  const [account, role, binding] = await manifests('rbac.yaml');
  const [client] = await manifests('client.yaml');
  const [deployment, service] = await manifests('orders.yaml');
  expect([account, role, binding].map((one) => one!.kind)).toEqual(['ServiceAccount', 'Role', 'RoleBinding']);
  expect(binding).toMatchObject({
    roleRef: { kind: 'Role', name: role!.metadata.name },
    subjects: [{ kind: 'ServiceAccount', name: account!.metadata.name }],
  });
  expect(client).toMatchObject({ spec: { template: { spec: { serviceAccountName: account!.metadata.name } } } });
  const { selector } = service!['spec'] as { selector: Record<string, string> };
  expect(deployment).toMatchObject({ spec: { template: { metadata: { labels: selector } } } });
  const asked = { verb: 'list', namespace: 'shop', server: 'https://api' } as const;
  const { message } = statusFault(403, '', asked);
  const [rule] = role!['rules'] as { apiGroups: string[]; resources: string[]; verbs: string[] }[];
  const printed = `{ apiGroups: ["${rule!.apiGroups.join()}"], resources: ["${rule!.resources.join()}"], verbs: [${rule!.verbs.map((verb) => `"${verb}"`).join(', ')}] }`;
  expect(message).toContain(printed);
});

it('the client asks the pods that the API server names', async () => {
  const pod = createServer((_request, response) => response.end('orders-7d9c\n'));
  await new Promise<void>((done) => pod.listen(0, '127.0.0.1', done));
  const api = await ApiServer.start();
  onTestFinished(async () => {
    pod.close();
    await api.close();
  });
  api.apply(slice('a', ['127.0.0.1'], { ports: [{ name: 'http', port: (pod.address() as AddressInfo).port }] }));
  const hook = join(import.meta.dirname, '../examples/from-source.ts');
  const env = { ...process.env, API_SERVER: api.url, NAMESPACE: 'shop', TIMES: '2', NODE_NO_WARNINGS: '1' };
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--import', hook, join(folder, 'client.ts')],
    { env, timeout: 15_000 },
  );
  expect({ stdout, stderr }).toEqual({ stdout: '200 orders-7d9c\n200 orders-7d9c\n', stderr: '' });
});
