import { expect, it } from 'vitest';
import type { DnsFault } from '../../src/testing/dns-server.ts';
import { isMeshError } from '../../src/index.ts';
import { dnsMesh, NAME } from './mesh-dns.ts';
import { send } from './kit.ts';

const HOSTS = ['127.0.0.1', '127.0.0.2'];
const faults: [name: string, fault: DnsFault][] = [
  ['nxdomain', 'nxdomain'],
  ['servfail', 'servfail'],
  ['refused', 'refused'],
  ['timeout', 'drop'],
  ['malformed', 'malformed'],
];

it.each(faults)(
  '24 %s: traffic flows on over the last good set, and follows the next good answer',
  async (_name, fault) => {
    const { dns, watch, backends, traffic, until, state } = await dnsMesh(HOSTS, {
      zone: { [NAME]: { A: HOSTS, ttl: 1 } },
    });
    expect(await traffic(2_000)).toEqual(new Set(HOSTS));
    dns.fault('*', fault);
    expect(await traffic(60_000, 1_000)).toEqual(new Set(HOSTS));
    expect(state()).toBe('stale');
    dns.fault('*', undefined);
    dns.set(NAME, 'A', ['127.0.0.2'], 1);
    await until(() => state() === 'fresh', 200);
    expect(await traffic(1_000)).toEqual(new Set(['127.0.0.2']));
    const sent = [...backends.values()].reduce((sum, { requests }) => sum + requests, 0);
    await watch.check({ healthy: HOSTS, sent });
  },
);

it.each(faults)('24 %s: where nothing was ever known calls fail by name and in time', async (_name, fault) => {
  const { clock, dns, mesh, watch, until } = await dnsMesh(HOSTS, { zone: { [NAME]: { A: HOSTS } } });
  dns.fault('*', fault);
  const begun = clock.now();
  let error: unknown;
  const call = watch.call(() => send(mesh)).catch((reason: unknown) => (error = reason));
  await until(() => error !== undefined);
  await call;
  expect(isMeshError(error, 'INMESH_RESOLVE_FAILED')).toBe(true);
  expect(String(error)).toContain(NAME);
  expect(clock.now() - begun).toBeLessThanOrEqual(5_100);
  await watch.check();
});
