import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root, stage } from './stage.ts';

const run = promisify(execFile);
const nodes = [
  ['22.19', 'node-22'],
  ['24', 'node'],
  ['26', 'node-26'],
] as const;

/** The two places in which the copies of undici in a process look for their global dispatcher. */
const symbols = `[1, 2].map((n) => globalThis[Symbol.for('undici.globalDispatcher.' + n)])`;

let house: Awaited<ReturnType<typeof stage>>;

beforeAll(async () => void (house = await stage()));
afterAll(() => house.remove());

describe.each(nodes)('on Node %s', (_version, alias) => {
  let origin: Server;
  let proxy: Server;
  let proxied: string[];

  beforeAll(async () => {
    origin = createServer((request, response) => {
      request
        .setEncoding('utf8')
        .toArray()
        .then(
          (body) => response.end(`${request.method} ${body.join('')}`),
          () => {},
        );
    });
    proxy = createServer((request, response) => {
      proxied.push(`${request.method} ${request.url}`);
      response.end('by proxy');
    }).on('connect', (request, socket) => {
      proxied.push(`${request.method} ${request.url}`);
      const upstream = connect((origin.address() as AddressInfo).port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        pipeline(socket, upstream, socket, () => {});
      });
    });
    for (const server of [origin, proxy]) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  });

  afterAll(() => {
    origin.close();
    proxy.close();
  });

  const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  /** What `code` logs as JSON, run by itself in a process in which `inmesh` names the module that is built. */
  async function probe(code: string, env: Record<string, string> = {}): Promise<unknown> {
    const inmesh = pathToFileURL(join(house.path, 'dist/index.js')).href;
    const script = `const inmesh = ${JSON.stringify(inmesh)};\n${code}`;
    const { stdout } = await run(join(root, 'node_modules', alias, 'bin/node'), ['--input-type=module', '-e', script], {
      cwd: house.path,
      env: { ...env, NO_COLOR: '1' },
      timeout: 15_000,
    });
    return JSON.parse(stdout);
  }

  it.each([
    ['has not touched fetch', ''],
    ['has fetched before', `await fetch('data:,x');`],
  ])('importing inmesh leaves the global dispatchers of a process that %s as they were', async (_name, before) => {
    const kept = await probe(`${before}
      const before = ${symbols};
      await import(inmesh);
      const after = ${symbols};
      console.log(JSON.stringify([before[0] === after[0], before[1] === undefined || before[1] === after[1]]));`);
    expect(kept).toEqual([true, true]);
  });

  it('leaves a dispatcher that the application set with undici 6 in its place', async () => {
    const seen = await probe(`
      const { Agent, getGlobalDispatcher, setGlobalDispatcher } = await import('undici-6');
      const mine = new Agent();
      setGlobalDispatcher(mine);
      await import(inmesh);
      console.log(JSON.stringify(getGlobalDispatcher() === mine));`);
    expect(seen).toBe(true);
  });

  it('leaves built-in fetch able to send a content-length of the caller', async () => {
    const answer = await probe(`
      await import(inmesh);
      const headers = { 'content-length': '7' };
      const response = await fetch('${urlOf(origin)}', { method: 'POST', body: 'exactly', headers });
      console.log(JSON.stringify(await response.text()));`);
    expect(answer).toBe('POST exactly');
  });

  it('leaves NODE_USE_ENV_PROXY as it works without inmesh', async () => {
    const env = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: urlOf(proxy) };
    const fetching = `console.log(JSON.stringify(await (await fetch('${urlOf(origin)}')).text()));`;
    proxied = [];
    const without = { answer: await probe(fetching, env), proxied };
    proxied = [];
    expect({ answer: await probe(`await import(inmesh);\n${fetching}`, env), proxied }).toEqual(without);
    // Node 22 knows the variable from 22.21 on.
    expect(proxied).toHaveLength(alias === 'node-22' ? 0 : 1);
  });

  it.each([
    ['the import', ''],
    [
      'createMesh',
      `createMesh({ services: { orders: 'dns://orders.internal:8080', stock: 'static://127.0.0.1:1' } });`,
    ],
  ])('opens nothing by %s: the process ends by itself', async (_name, then) => {
    const [before, after] = (await probe(`
      void [process.stdin, process.stdout, process.stderr];
      const before = process.getActiveResourcesInfo();
      const { createMesh } = await import(inmesh);
      ${then}
      await new Promise(setImmediate);
      const after = process.getActiveResourcesInfo();
      console.log(JSON.stringify([before, after]));`)) as [string[], string[]];
    expect(after).toEqual(before);
  });
});
