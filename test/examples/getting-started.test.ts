import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DnsServer } from '../../src/testing/dns-server.ts';
import { ScriptedEndpoint } from '../../src/testing/scripted-endpoint.ts';
import { type Ended, root, run } from './run.ts';

/** The page's blocks of code, in their order, as one script that asks the given DNS server. */
async function script(dns: string, port: number): Promise<string> {
  const page = await readFile(join(root, 'docs/getting-started.md'), 'utf8');
  const blocks = [...page.matchAll(/^```ts\n([^]*?)^```$/gm)].map((match) => match[1]!);
  expect(blocks).toHaveLength(5);
  return blocks
    .join('\n')
    .replaceAll('dns://orders.internal:8080', `dns://orders.internal:${port}?server=${dns}`)
    .replaceAll(/(srv:\/\/[\w.]+)/g, `$1?server=${dns}`)
    .concat(`await Promise.all([mesh.close(), shop.close()]);\n`);
}

describe('the code of docs/getting-started.md, put together', () => {
  let dns: DnsServer;
  let server: ScriptedEndpoint;
  let folder: string;
  let ended: Ended;

  beforeAll(async () => {
    server = await ScriptedEndpoint.start();
    server.respond(200, '{"items":3}', { 'content-type': 'application/json' });
    dns = await DnsServer.start({
      zone: {
        'orders.internal': { A: ['127.0.0.1'] },
        '_http._tcp.users.internal': { SRV: [{ port: server.port, target: 'orders.internal' }] },
      },
    });
    folder = await mkdtemp(join(tmpdir(), 'inmesh-page-'));
    await writeFile(join(folder, 'page.mts'), await script(dns.address, server.port));
    ended = await run(join(folder, 'page.mts'));
  });

  afterAll(async () => {
    await Promise.all([dns.close(), server.close(), rm(folder, { recursive: true })]);
  });

  it('runs and ends by itself', () => {
    expect(ended).toMatchObject({ code: 0, stderr: '' });
  });

  it('gets an answer over DNS with three lines', () => {
    expect(ended.stdout).toMatch(/^200 \{ items: 3 \}\n/);
  });

  it('shows endpoints, whether a POST would be tried again, and everything as JSON', () => {
    expect(ended.stdout).toMatch(/^127\.0\.0\.1:\d+ healthy +0$/m);
    expect(ended.stdout).toMatch(/reason: 'POST is not idempotent/);
    expect(ended.stdout).toMatch(/^ {4}"prices": \{$/m);
  });

  it('names what is wrong with a host that is no service', () => {
    expect(ended.stdout).toMatch(/^INMESH_UNKNOWN_SERVICE invoices 0 /m);
  });
});
