import { describe, expect, it } from 'vitest';
import { kindOf } from '../resolver/kit.ts';
import { dnsTorture } from './dns.ts';

describe('25 empty answer', () => {
  it('is doubted for 30 s and several answers, then believed', async () => {
    const { clock, dns, watch, pass } = await dnsTorture({ zone: { 'orders.test': { A: ['10.0.0.1'], ttl: 1 } } });
    const orders = watch('dns://orders.test:80?family=4');
    await pass(() => orders.last?.state === 'fresh');
    dns.fault('*', 'empty');
    await pass(() => orders.last?.state === 'stale');
    const since = clock.now();
    const asked = dns.count();
    expect(kindOf(orders.last)).toBe('NODATA');
    expect(orders.addresses).toEqual(['10.0.0.1:80']);
    await pass(() => orders.last?.state === 'empty', 50);
    expect(clock.now() - since).toBeGreaterThanOrEqual(29_900);
    expect(dns.count() - asked).toBeGreaterThanOrEqual(3);
    expect(orders.addresses).toEqual([]);
  });

  it('that lasts a moment takes nothing away', async () => {
    const { clock, dns, watch, pass } = await dnsTorture({ zone: { 'orders.test': { A: ['10.0.0.1'], ttl: 1 } } });
    const orders = watch('dns://orders.test:80?family=4');
    await pass(() => orders.last?.state === 'fresh');
    dns.fault('*', 'empty');
    await pass(() => orders.last?.state === 'stale');
    dns.fault('*', undefined);
    await pass(() => orders.last?.state === 'fresh');
    const healed = clock.now();
    await pass(() => clock.now() - healed > 40_000, 50);
    expect(orders.seen.every(({ endpoints }) => endpoints.length === 1)).toBe(true);
  });
});
