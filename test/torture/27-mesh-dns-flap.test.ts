import { expect, it } from 'vitest';
import { dnsMesh, NAME } from './mesh-dns.ts';

it('27 flap: endpoints that stay keep their connections, those that come and go fail no call', async () => {
  const hosts = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'];
  const sets = [hosts.slice(0, 3), [...hosts.slice(0, 2), hosts[3]!]];
  const { dns, watch, backends, traffic } = await dnsMesh(hosts, { zone: { [NAME]: { A: sets[0]!, ttl: 1 } } });
  await traffic(2_000, 50);
  const connections = (host: string): number => backends.get(host)!.connections;
  const before = hosts.map(connections);
  for (let second = 0; second < 20; second++) {
    dns.set(NAME, 'A', sets[second % 2]!, 1);
    const answers = await traffic(1_000, 50);
    for (const answer of answers) expect(hosts).toContain(answer);
  }
  const after = hosts.map(connections);
  expect([after[0], after[1]]).toEqual([before[0], before[1]]);
  expect(after[3]).toBeGreaterThan(1);
  const sent = [...backends.values()].reduce((sum, { requests }) => sum + requests, 0);
  expect(sent).toBe(watch.offered);
  await watch.check({ healthy: hosts, sent });
});

it('27 1000-records: a service of a thousand endpoints is taken up whole, and every call served', async () => {
  const hosts = Array.from({ length: 1_000 }, (_, index) => `127.1.${index >> 8}.${index & 255}`);
  const everywhere = '0.0.0.0';
  const { mesh, watch, traffic } = await dnsMesh([everywhere], { zone: { [NAME]: { A: hosts } } });
  expect(await traffic(5_000)).toEqual(new Set([everywhere]));
  expect(mesh.service('svc').endpoints()).toHaveLength(1_000);
  await watch.check({
    healthy: mesh
      .service('svc')
      .endpoints()
      .map(({ address }) => address),
  });
});
