import { afterEach, expect, it } from 'vitest';
import type { Mesh } from '../../src/index.ts';
import { always, Faultd } from '../kit/faultd.ts';
import { send, torture } from './kit.ts';

const servers: Faultd[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** Servers of which the first `failing.count` answer 503. */
async function start(count: number): Promise<{ failing: { count: number }; addresses: string[] }> {
  const failing = { count: 0 };
  for (let index = 0; index < count; index++)
    servers.push(await Faultd.start(always((peer) => void peer.respond(index < failing.count ? 503 : 200))));
  return { failing, addresses: servers.map(({ address }) => address) };
}

const ejected = (mesh: Mesh): string[] =>
  mesh
    .service('svc')
    .endpoints()
    .filter(({ state }) => state === 'ejected')
    .map(({ address }) => address);
const OPTIONS = { retry: false, breaker: false, balancer: 'round-robin' } as const;

it('39 all-ejected: however many fail, half of them stay, and every call gets an answer', async () => {
  const { failing, addresses } = await start(4);
  const { mesh, watch } = torture(addresses, OPTIONS);
  for (failing.count = 1; failing.count <= 4; failing.count++) {
    for (let call = 0; call < 40; call++) {
      const { status } = await watch.call(() => send(mesh));
      expect([200, 503]).toContain(status);
      expect(ejected(mesh).length).toBeLessThanOrEqual(2);
      expect(mesh.service('svc').explain().candidates.length).toBeGreaterThanOrEqual(2);
    }
    expect(ejected(mesh)).toEqual(addresses.slice(0, Math.min(2, failing.count)));
  }
  await watch.check({ healthy: addresses.slice(2) });
});

it('39 all-ejected: with fewer than half left none is left out, and they return when they answer again', async () => {
  const { failing, addresses } = await start(4);
  const outlier = { maxEjected: 1, ejection: 50, ejectionCap: 50 };
  const { mesh, watch } = torture(addresses, { ...OPTIONS, outlier });
  const candidates = (): number => mesh.service('svc').explain().candidates.length;
  for (failing.count = 1; failing.count <= 3; failing.count++)
    while (ejected(mesh).length < failing.count) await watch.call(() => send(mesh));
  expect(ejected(mesh)).toHaveLength(3);
  expect(candidates()).toBe(4);

  const before = servers.map(({ requests }) => requests);
  for (let call = 0; call < 40; call++) await watch.call(() => send(mesh));
  servers.forEach(({ requests }, index) => expect(requests - before[index]!).toBeGreaterThanOrEqual(5));

  failing.count = 0;
  while (ejected(mesh).length > 0) expect((await watch.call(() => send(mesh))).status).toBe(200);
  expect(candidates()).toBe(4);
  await watch.check({ healthy: [addresses[3]!] });
});

it('39 all-ejected: when all fail at once nobody stands out, and nobody is left out', async () => {
  const { failing, addresses } = await start(4);
  const { mesh, watch } = torture(addresses, OPTIONS);
  for (let call = 0; call < 40; call++) await watch.call(() => send(mesh));
  failing.count = 4;
  for (let call = 0; call < 200; call++) expect((await watch.call(() => send(mesh))).status).toBe(503);
  expect(ejected(mesh)).toEqual([]);
  await watch.check({ healthy: addresses });
});
