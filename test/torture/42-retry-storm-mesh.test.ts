import { describe, expect, it } from 'vitest';
import type { ServiceOptions } from '../../src/index.ts';
import { always, delay, Faultd } from '../kit/faultd.ts';
import { send, torture } from './kit.ts';

/** Calls per second. */
const RATE = 240;
/** What is counted together, and the length of every window; ms. */
const STEP = 500;
const ENDPOINTS = 4;

/** Offers calls to servers that answer 503 in the steps from `from` to `to`; counts by the step in which a call began. */
async function storm(
  options: Partial<ServiceOptions>,
  { from, to, steps }: { from: number; to: number; steps: number },
): Promise<{ offered: number[]; sent: number[]; succeeded: number[] }> {
  const zeros = (): number[] => new Array<number>(steps).fill(0);
  const [offered, sent, succeeded] = [zeros(), zeros(), zeros()];
  const begin = performance.now();
  const step = (): number => Math.min(steps - 1, Math.floor((performance.now() - begin) / STEP));
  const answer = always((peer, { path }) => {
    const now = step();
    sent[Number(path.slice(1))]!++;
    peer.respond(now >= from && now < to ? 503 : 200);
  });
  const servers = await Promise.all(Array.from({ length: ENDPOINTS }, () => Faultd.start(answer)));
  const addresses = servers.map(({ address }) => address);
  const { mesh, watch } = torture(addresses, options);
  const calls: Promise<void>[] = [];
  for (let now = 0; now < steps * STEP; now = performance.now() - begin) {
    for (; calls.length < (now / 1_000) * RATE;) {
      const current = step();
      offered[current]!++;
      const one = send(mesh, { path: `/${current}` }).then(
        ({ status }) => status,
        () => 0,
      );
      calls.push(watch.call(() => one).then((status) => void (status === 200 && succeeded[current]!++)));
    }
    await delay(4);
  }
  await Promise.all(calls);
  // All fail alike, so nobody is at fault more than the others.
  await watch.check({ healthy: addresses, sent: servers.reduce((sum, { requests }) => sum + requests, 0) });
  for (const server of servers) await server.close();
  return { offered, sent, succeeded };
}

describe.concurrent('42 retry-storm-100% over the whole mesh', () => {
  it('42 retry-storm-100%: after one window next to nothing is sent beyond what is offered, and it ends with the outage', async () => {
    const retry = { budget: { window: STEP } } as const;
    const { offered, sent, succeeded } = await storm({ retry, breaker: false }, { from: 1, to: 4, steps: 6 });
    for (const step of [2, 3]) expect(sent[step]! / offered[step]!).toBeLessThanOrEqual(1.02);
    expect(succeeded[2]).toBe(0);
    expect(succeeded[5]).toBe(offered[5]);
  });

  it('42 retry-storm-100%: with a breaker what is sent falls to a trickle, and it is closed again after the outage', async () => {
    const options = {
      retry: { budget: { window: STEP } },
      breaker: { window: STEP, open: STEP / 2, openCap: STEP / 2 },
    } as const;
    const { offered, sent, succeeded } = await storm(options, { from: 1, to: 4, steps: 6 });
    for (const step of [2, 3]) expect(sent[step]! / offered[step]!).toBeLessThanOrEqual(0.1);
    expect(succeeded[5]).toBe(offered[5]);
  });
});
