import { afterAll, describe, expect, it } from 'vitest';
import type { ServiceOptions } from '../../src/index.ts';
import { always, delay, Faultd, type Peer } from '../kit/faultd.ts';
import { send, torture } from './kit.ts';

const SIBLINGS = 9;
/** Calls per second. */
const RATE = 250;
const WARM_UP = 5_000;
const MEASURED = 2_000;

const servers: Faultd[] = [];
afterAll(async () => {
  for (const server of servers) await server.close();
});

async function start(answer: (peer: Peer) => Promise<void> | void): Promise<Faultd> {
  const server = await Faultd.start(always(answer));
  servers.push(server);
  return server;
}

/** Which share of the traffic one bad endpoint of ten gets after five seconds, and who was ejected. */
async function shareOf(
  answer: (peer: Peer) => Promise<void> | void,
  options: Partial<ServiceOptions>,
): Promise<{ share: number; failed: number }> {
  const bad = await start(answer);
  const good: Faultd[] = [];
  for (let index = 0; index < SIBLINGS; index++)
    good.push(
      await start(async (peer) => {
        await delay(2);
        peer.respond();
      }),
    );
  const healthy = good.map(({ address }) => address);
  const { mesh, watch } = torture([bad.address, ...healthy], { retry: false, ...options });
  const calls: Promise<number>[] = [];
  let failed = 0;
  const load = async (ms: number): Promise<number> => {
    const begin = performance.now();
    let sent = 0;
    for (let elapsed = 0; elapsed < ms; elapsed = performance.now() - begin) {
      for (; sent < (elapsed / 1_000) * RATE; sent++)
        calls.push(watch.call(() => send(mesh).then(({ status }) => status)));
      await delay(4);
    }
    const statuses = await Promise.all(calls.splice(0));
    failed = statuses.filter((status) => status !== 200).length;
    return sent;
  };
  await load(WARM_UP);
  const before = bad.requests;
  const sent = await load(MEASURED);
  const share = (bad.requests - before) / sent;
  await watch.check({ healthy });
  return { share, failed: failed / sent };
}

const slow = async (peer: Peer): Promise<void> => {
  await delay(500);
  peer.respond();
};
const failsFast = (peer: Peer): void => void peer.respond(500, 'no');

describe.concurrent('40 one bad endpoint of ten', () => {
  it.each([
    ['one-slow', slow, {}],
    ['one-black-hole-fast-500', failsFast, {}],
    ['one-black-hole-fast-500 with only the balancer to see it', failsFast, { outlier: false }],
    [
      'one-black-hole-fast-500 with only the balancer to see it, and that not by latency',
      failsFast,
      { outlier: false, balancer: 'p2c-least-request' },
    ],
  ] as [string, (peer: Peer) => void, Partial<ServiceOptions>][])(
    '40 %s: gets less than a hundredth of the traffic after five seconds',
    async (_, answer, options) => {
      const { share, failed } = await shareOf(answer, options);
      expect(share).toBeLessThan(0.01);
      expect(failed).toBeLessThan(0.01);
    },
  );
});
