import { execFileSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createServer as createH2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Agent, H2CClient, Pool } from 'undici';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createFetch, type FetchDispatcher } from '../../src/transport/fetch/index.ts';
import { bundled } from './compare.ts';
import { type Servers, startServers } from './servers.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let servers: Servers;
let agent: Agent;
let fetch: typeof globalThis.fetch;

beforeAll(async () => {
  servers = await startServers();
  agent = new Agent();
  fetch = createFetch(agent);
});

afterAll(async () => {
  await agent.destroy();
  await servers.close();
});

/** A dispatcher that does what the test says. */
const scripted = (
  dispatch: (options: Record<string, unknown>, handler: Record<string, (...args: unknown[]) => void>) => void,
): FetchDispatcher => ({
  dispatch(options: never, handler: never): boolean {
    dispatch(options, handler);
    return true;
  },
});

const controller = () => ({
  abort: vi.fn<(reason: unknown) => void>(),
  pause: vi.fn<() => void>(),
  resume: vi.fn<() => void>(),
  paused: false,
  aborted: false,
  reason: null,
});

test('one signal over many calls keeps no listener and raises no warning', async () => {
  const warnings: unknown[] = [];
  const note = (warning: unknown): void => void warnings.push(warning);
  process.on('warning', note);
  const { signal } = new AbortController();
  for (let round = 0; round < 20; round++) {
    const calls = Array.from({ length: 50 }, () => fetch(`${servers.here}/echo`, { signal }));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await Promise.all((await Promise.all(calls)).map((response) => response.text()));
  }
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', note);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  expect(warnings).toEqual([]);
});

test('a failed call and a refused one leave no listener either', async () => {
  const { signal } = new AbortController();
  await expect(fetch(servers.nobody, { signal })).rejects.toThrow('fetch failed');
  await expect(fetch(`${servers.here}/redirect/302?to=/echo`, { signal, redirect: 'error' })).rejects.toThrow(
    'fetch failed',
  );
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test('a response that nobody holds gives its connection back', async () => {
  await (async () => expect((await fetch(`${servers.here}/endless`)).status).toBe(200))();
  await vi.waitFor(
    () => {
      collectGarbage();
      expect(servers.written.closed).toBe(true);
    },
    { timeout: 5000, interval: 50 },
  );
});

test('the error of the dispatcher is the cause, by identity', async () => {
  const mesh = new Error('no endpoint');
  const failing = createFetch(scripted((_, handler) => handler['onResponseError']!(null, mesh)));
  await expect(failing('http://orders/')).rejects.toMatchObject({
    name: 'TypeError',
    message: 'fetch failed',
    cause: mesh,
  });
});

test('a dispatcher that throws is a failed fetch', async () => {
  const broken = new Error('broken');
  const failing = createFetch(
    scripted(() => {
      throw broken;
    }),
  );
  await expect(failing('http://orders/')).rejects.toMatchObject({ message: 'fetch failed', cause: broken });
});

test('a body that breaks is terminated, with the error of the dispatcher as cause', async () => {
  const reset = new Error('reset');
  const breaking = createFetch(
    scripted((_, handler) => {
      const control = controller();
      handler['onRequestStart']!(control, {});
      handler['onResponseStart']!(control, 200, {}, 'OK');
      handler['onResponseData']!(control, Buffer.from('half'));
      queueMicrotask(() => handler['onResponseError']!(control, reset));
    }),
  );
  const response = await breaking('http://orders/');
  await expect(response.text()).rejects.toMatchObject({ name: 'TypeError', message: 'terminated', cause: reset });
});

test('an abort reaches the controller that was given before there is a response', async () => {
  const control = controller();
  const waiting = createFetch(scripted((_, handler) => handler['onRequestStart']!(control, {})));
  const abort = new AbortController();
  const answer = waiting('http://orders/', { signal: abort.signal });
  const reason = new Error('enough');
  abort.abort(reason);
  await expect(answer).rejects.toBe(reason);
  expect(control.abort).toHaveBeenCalledExactlyOnceWith(reason);
});

test('a call given up in the queue leaves the connection to the next', async () => {
  const pool = new Pool(servers.here, { connections: 1 });
  const queued = createFetch(pool);
  const first = queued(`${servers.here}/slow/50`);
  const abort = new AbortController();
  const second = queued(`${servers.here}/echo`, { signal: abort.signal });
  abort.abort();
  await expect(second).rejects.toMatchObject({ name: 'AbortError' });
  await (await first).text();
  servers.takeSeen();
  expect((await queued(`${servers.here}/echo`)).status).toBe(200);
  expect(servers.takeSeen()).toHaveLength(1);
  await pool.close();
});

test('the body is handed to the dispatcher as it can be sent again', async () => {
  const bodies: unknown[] = [];
  const noting = createFetch(
    scripted(({ body }, handler) => {
      bodies.push(body);
      handler['onResponseError']!(null, new Error('noted'));
    }),
  );
  for (const body of ['text', new URLSearchParams({ a: '1' }), new Uint8Array([1])]) {
    await noting('http://orders/', { method: 'POST', body }).catch(() => {});
  }
  expect(bodies).toEqual(['text', 'a=1', Buffer.from([1])]);
});

test('in the place of the global fetch it does not call itself', async () => {
  const before = globalThis.fetch;
  globalThis.fetch = createFetch(agent, bundled >= 8 ? agent : new (await import('undici')).Dispatcher1Wrapper(agent));
  try {
    const response = await globalThis.fetch(new Request(`${servers.here}/echo`, { method: 'POST', body: 'x' }));
    expect(await response.json()).toMatchObject({ method: 'POST', body: 'x' });
  } finally {
    globalThis.fetch = before;
  }
});

test('a dispatcher of the caller’s own is obeyed', async () => {
  const never = createFetch(
    scripted(() => {
      throw new Error('not this one');
    }),
  );
  const dispatcher = bundled >= 8 ? agent : new (await import('undici')).Dispatcher1Wrapper(agent);
  const response = await never(`${servers.here}/echo`, { dispatcher } as object);
  expect(response.status).toBe(200);
});

test('a redirect keeps credentials within the origin and drops them at its border', async () => {
  const sent: [unknown, unknown][] = [];
  const moving = createFetch(
    scripted(({ origin, headers }, handler) => {
      const control = controller();
      sent.push([origin, (headers as Record<string, string>)['Authorization']]);
      handler['onRequestStart']!(control, {});
      const location = ['/next', 'https://orders/', 'https://orders/again'][sent.length - 1];
      if (location === undefined) handler['onResponseStart']!(control, 200, {}, 'OK');
      else handler['onResponseStart']!(control, 302, { location }, 'Found');
      handler['onResponseEnd']!(control, {});
    }),
  );
  const response = await moving('http://orders/', { headers: { Authorization: 'secret' } });
  expect(sent).toEqual([
    ['http://orders', 'secret'],
    ['http://orders', 'secret'],
    ['https://orders', undefined],
    ['https://orders', undefined],
  ]);
  expect([response.url, response.redirected, response.type]).toEqual(['https://orders/again', true, 'cors']);
});

test('loading it does not load the classes of built-in fetch', () => {
  const module = new URL('../../src/transport/fetch/index.ts', import.meta.url).href;
  const script = `
    const loaded = () => process.moduleLoadList.some((name) => name.includes('deps/undici'));
    const before = loaded();
    await import('${module}');
    console.log(before, loaded());`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(output.trim()).toBe('false false');
});

test('it reads HTTP/2 as well', async () => {
  const server = createH2Server((_, response) => {
    response.setHeader('set-cookie', ['a=1', 'b=2']);
    response.setHeader('content-type', 'application/json');
    response.end('{"over":"h2"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new H2CClient(origin);
  const response = await createFetch(client)(`${origin}/x`, { method: 'POST', body: 'y' });
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect([response.status, response.statusText, await response.json()]).toEqual([200, '', { over: 'h2' }]);
  await client.destroy();
  server.close();
});

test('an error right behind the head breaks the body, not the response', async () => {
  const reset = new Error('reset');
  const breaking = createFetch(
    scripted((_, handler) => {
      const control = controller();
      handler['onRequestStart']!(control, {});
      handler['onResponseStart']!(control, 200, {}, 'OK');
      handler['onResponseError']!(control, reset);
    }),
  );
  const response = await breaking('http://orders/');
  expect(response.status).toBe(200);
  await expect(response.json()).rejects.toMatchObject({ message: 'terminated', cause: reset });
});

test('a large body behind a redirect is not read to its end', async () => {
  const controls: ReturnType<typeof controller>[] = [];
  const moving = createFetch(
    scripted((_, handler) => {
      const control = controller();
      controls.push(control);
      handler['onRequestStart']!(control, {});
      if (controls.length > 1) {
        handler['onResponseStart']!(control, 204, {}, 'No Content');
        return handler['onResponseEnd']!(control, {});
      }
      handler['onResponseStart']!(control, 302, { location: '/' }, 'Found');
      for (let chunk = 0; chunk < 10; chunk++) handler['onResponseData']!(control, Buffer.alloc(16_384));
    }),
  );
  expect((await moving('http://orders/a')).status).toBe(204);
  expect(controls[0]!.abort).toHaveBeenCalled();
  expect(controls[1]!.abort).not.toHaveBeenCalled();
});
