import { expect, it } from 'vitest';
import { delay, Faultd, type Peer } from '../kit/faultd.ts';
import { send, torture } from './kit.ts';

const EJECTION = 200;

/** A server whose link can go down: then nothing is answered, and what was connected before stays dead for good. */
async function startLinked(): Promise<{ server: Faultd; link: { up: boolean; failures: number } }> {
  const link = { up: true, failures: 0 };
  const serve = async (peer: Peer): Promise<void> => {
    const born = link.failures;
    for (let request = await peer.request(); request !== undefined; request = await peer.request()) {
      await delay(2);
      if (link.up && born === link.failures) peer.respond();
    }
  };
  return { server: await Faultd.start(serve), link };
}

it('8 half-open: who has gone silent is avoided after three failures, and is back with the first probe once its link is up', async () => {
  const { server: silent, link } = await startLinked();
  const { server: first } = await startLinked();
  const { server: second } = await startLinked();
  const servers = [silent, first, second];
  const { mesh, watch } = torture(
    servers.map(({ address }) => address),
    {
      attemptTimeout: 300,
      deadline: 2_000,
      balancer: 'round-robin',
      outlier: { consecutive: 3, ejection: EJECTION, ejectionCap: EJECTION },
      retry: { budget: { ratio: 1, floorPerSecond: 100 } },
    },
  );
  const one = (): Promise<number> => watch.call(() => send(mesh).then(({ status }) => status), 2_000);
  const many = (count: number): Promise<number[]> => Promise.all(Array.from({ length: count }, one));
  const state = (): string => mesh.service('svc').endpoints()[0]!.state;

  // Many connections, so that more of them lie idle and dead than it takes failures to notice.
  expect(new Set(await many(60))).toEqual(new Set([200]));
  expect(silent.connections).toBeGreaterThanOrEqual(10);

  link.up = false;
  link.failures++;
  const before = silent.requests;
  for (let call = 0; call < 12; call++) expect(await one()).toBe(200);
  expect(silent.requests - before).toBe(3);
  expect(state()).toBe('ejected');

  link.up = true;
  const down = silent.requests;
  while (state() === 'ejected') {
    expect(await one()).toBe(200);
    await delay(5);
  }
  expect(silent.requests - down).toBe(1);

  // What was connected before the silence is dead, and no call may find that out.
  const offered = servers.reduce((sum, { requests }) => sum + requests, 0);
  expect(new Set(await many(60))).toEqual(new Set([200]));
  expect(servers.reduce((sum, { requests }) => sum + requests, 0) - offered).toBe(60);
  expect(state()).toBe('healthy');
  await watch.check({ healthy: [first.address, second.address] });
  for (const server of servers) await server.close();
});
