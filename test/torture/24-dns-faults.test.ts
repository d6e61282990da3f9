import { describe, expect, it } from 'vitest';
import type { DnsFault } from '../../src/testing/dns-server.ts';
import { kindOf } from '../resolver/kit.ts';
import { dnsTorture } from './dns.ts';

const faults: [name: string, fault: DnsFault, kind: string][] = [
  ['nxdomain', 'nxdomain', 'NXDOMAIN'],
  ['servfail', 'servfail', 'SERVFAIL'],
  ['refused', 'refused', 'REFUSED'],
  ['timeout', 'drop', 'TIMEOUT'],
  ['forged', 'wrong-id', 'TIMEOUT'],
  ['malformed', 'malformed', 'MALFORMED'],
];

describe('24 DNS faults', () => {
  it.each(faults)(
    '%s: keeps the last good set, says why, and takes up the next good answer',
    async (_, fault, kind) => {
      const { dns, watch, pass } = await dnsTorture();
      dns.set('orders.test', 'A', ['10.0.0.1', '10.0.0.2'], 1);
      dns.set('_http._tcp.orders.test', 'SRV', [{ port: 81, target: 'orders.test' }], 1);
      const watches = [watch('dns://orders.test:80?family=4'), watch('srv://_http._tcp.orders.test?family=4')];
      await pass(() => watches.every(({ last }) => last?.state === 'fresh'));
      dns.fault('*', fault);
      await pass(() => watches.every(({ last }) => last?.state === 'stale' && kindOf(last) === kind));
      for (const { seen } of watches) for (const { endpoints } of seen) expect(endpoints).toHaveLength(2);
      dns.fault('*', undefined);
      dns.set('orders.test', 'A', ['10.0.0.3'], 1);
      await pass(() => watches.every(({ last }) => last?.state === 'fresh' && last.endpoints.length === 1));
      expect(watches.map(({ addresses }) => addresses)).toEqual([['10.0.0.3:80'], ['10.0.0.3:81']]);
    },
  );

  it.each(faults)('%s: is an error in time where nothing was ever known', async (_, fault, kind) => {
    const { clock, dns, watch, pass } = await dnsTorture({ zone: { 'orders.test': { A: ['10.0.0.1'] } } });
    dns.fault('*', fault);
    const start = clock.now();
    const orders = watch('dns://orders.test:80');
    await pass(() => orders.last !== undefined);
    expect(clock.now() - start).toBeLessThanOrEqual(5_100);
    expect(orders.last).toMatchObject({ state: 'error', endpoints: [] });
    expect(kindOf(orders.last)).toBe(kind);
    expect(orders.last?.error?.message).toContain('orders.test (A');
  });

  it('truncated→TCP: an answer cut short is asked for again over TCP', async () => {
    const { dns, watch, pass } = await dnsTorture({ zone: { 'orders.test': { A: ['10.0.0.1'] } } });
    dns.fault('*', 'truncate');
    const orders = watch('dns://orders.test:80?family=4');
    await pass(() => orders.last !== undefined);
    expect(orders.addresses).toEqual(['10.0.0.1:80']);
    expect(dns.queries.map(({ transport }) => transport)).toEqual(['udp', 'tcp']);
  });

  it('asks ever less often while the fault lasts', async () => {
    const { clock, dns, watch, pass } = await dnsTorture();
    dns.fault('*', 'servfail');
    watch('dns://orders.test:80?family=4');
    const start = clock.now();
    await pass(() => clock.now() - start > 60_000, 100);
    // 1, 2, 4, 8, 16 and 30 s, every step shortened by half at most.
    expect(dns.count()).toBeGreaterThanOrEqual(5);
    expect(dns.count()).toBeLessThanOrEqual(9);
  });
});
