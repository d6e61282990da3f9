import { getEventListeners, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Mesh } from '../../src/index.ts';
import { delay } from '../kit/faultd.ts';
import { send, torture } from './kit.ts';

const CALLS = 10_000;
const AT_ONCE = 60;

const server = createServer((_request, response) => void response.end('ok'));
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const DOORS: [string, (mesh: Mesh, signal: AbortSignal) => Promise<string>][] = [
  ['request', async (mesh, signal) => (await send(mesh, { signal })).text],
  ['fetch', async (mesh, signal) => (await mesh.fetch('http://svc/', { signal })).text()],
];

it.each(DOORS)(
  '52 signal-reuse: one signal over many thousand calls of %s neither warns nor grows',
  async (_, call) => {
    const { mesh, watch } = torture([`127.0.0.1:${(server.address() as AddressInfo).port}`]);
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    const { signal } = new AbortController();
    let most = 0;
    const run = async (calls: number): Promise<void> => {
      let left = calls;
      const caller = async (): Promise<void> => {
        while (left-- > 0) {
          const text = call(mesh, signal);
          if (left % 97 === 0) most = Math.max(most, getEventListeners(signal, 'abort').length);
          if ((await watch.call(() => text)) !== 'ok') throw new Error('wrong answer');
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, caller));
    };
    await run(CALLS);
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
    // A call's listener may go one turn after its answer, when the next call has begun.
    expect(most).toBeLessThanOrEqual(2 * AT_ONCE);
    await delay(1);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    await watch.check();
  },
);

it('52 signal-reuse: when it fires at last, it ends all that is under way, and nothing is sent any more', async () => {
  const { mesh, watch } = torture([`127.0.0.1:${(server.address() as AddressInfo).port}`]);
  const controller = new AbortController();
  const { signal } = controller;
  const ends = Array.from({ length: 100 }, (_, index) =>
    watch.call(() => DOORS[index % 2]![1](mesh, signal).catch((error: unknown) => error), 1_000),
  );
  const reason = new Error('enough');
  controller.abort(reason);
  expect(new Set(await Promise.all(ends))).toEqual(new Set([reason]));
  expect(await mesh.fetch('http://svc/', { signal }).catch((error: unknown) => error)).toBe(reason);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  await watch.check();
});
