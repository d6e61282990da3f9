import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import type { Mesh } from '../../src/index.ts';
import { seededRandom } from '../../src/core/random.ts';
import { always, delay, Faultd } from '../kit/faultd.ts';
import { send, torture } from './kit.ts';

const CALLS = 1_500;
const AT_ONCE = 40;

/** Bodies of uploads: all must be let go. */
const uploads: Readable[] = [];

/** A body in three pieces, a turn apart. */
async function* pieces(): AsyncGenerator<string> {
  for (let piece = 0; piece < 3; piece++) {
    yield 'x'.repeat(1_000);
    await delay(1);
  }
}

type Send = (mesh: Mesh, signal: AbortSignal) => Promise<string>;

const DOORS: [string, Send][] = [
  ['request', async (mesh, signal) => (await send(mesh, { signal })).text],
  [
    'upload',
    async (mesh, signal) => {
      const body = Readable.from(pieces(), { objectMode: false });
      uploads.push(body);
      return (await send(mesh, { method: 'PUT', body, signal })).text;
    },
  ],
  ['fetch', async (mesh, signal) => (await mesh.fetch('http://svc/', { signal })).text()],
  [
    'built-in fetch',
    async (mesh, signal) => (await fetch('http://svc/', { signal, dispatcher: mesh.dispatcher })).text(),
  ],
];

it.each(DOORS)(
  '51 abort-storm: %s calls given up at random points leave nothing behind, and the server sees them go',
  async (door, call) => {
    const chance = seededRandom(51);
    let answered = 0;
    // A head and, after a while, the rest of the body, so that there are as many points as there can be.
    const server = await Faultd.start(
      always(async (peer) => {
        await delay(chance() * 6);
        peer.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha');
        await delay(chance() * 6);
        peer.write('lf');
        answered++;
      }),
    );
    const { mesh, watch } = torture([server.address], {
      limits: { perEndpoint: 30, perService: 30, queue: 1_000 },
      retry: false,
    });
    const shared = new AbortController();
    const reasons = new Map<string, number>();
    let listening = 0;
    let left = CALLS;
    const caller = async (): Promise<void> => {
      while (left-- > 0) {
        const own = new AbortController();
        const signal = chance() < 0.5 ? own.signal : AbortSignal.any([own.signal, shared.signal]);
        // A quarter is not given up: on a slow machine none of the others may come to its end.
        const after = chance() < 0.25 ? 1_500 : chance() * 50 - 4;
        if (after < 0) own.abort(new Error('given up'));
        const timer = setTimeout(() => own.abort(new Error('given up')), Math.max(1, after));
        const end = await watch.call(
          () => call(mesh, signal).catch((error: unknown) => (error as Error).message),
          2_000,
        );
        clearTimeout(timer);
        // undici's request lets go of the signal when its body has closed, a turn after its end.
        await delay(1);
        listening += getEventListeners(signal, 'abort').length;
        reasons.set(end, (reasons.get(end) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, caller));
    // Built-in fetch keeps listeners of its own until its requests are garbage.
    if (door === 'built-in fetch') listening = 0;
    expect(listening).toBe(0);
    expect([...reasons.keys()].filter((end) => end !== 'half' && end !== 'given up')).toEqual([]);
    expect(reasons.get('half') ?? 0).toBeGreaterThan(CALLS / 10);
    expect(reasons.get('given up') ?? 0).toBeGreaterThan(CALLS / 10);

    await delay(20);
    expect(uploads.splice(0).filter(({ destroyed }) => !destroyed)).toEqual([]);
    expect(mesh.snapshot().inFlight).toBe(0);
    expect(mesh.service('svc').snapshot().limit).toMatchObject({ inFlight: 0, queued: 0 });
    expect(mesh.service('svc').endpoints()[0]).toMatchObject({ inFlight: 0, successRate: 1 });
    expect(server.open).toBeLessThanOrEqual(30);
    expect(answered).toBeLessThan(CALLS);
    const { signal } = new AbortController();
    expect(await watch.call(() => call(mesh, signal))).toBe('half');
    await watch.check({ healthy: [server.address], sent: server.requests });
    await server.close();
  },
);
