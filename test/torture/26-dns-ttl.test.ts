import { describe, expect, it } from 'vitest';
import { dnsTorture } from './dns.ts';

describe('26 odd TTLs', () => {
  it('ttl-0: at most one query a second for a name, however many watch it', async () => {
    const { clock, dns, watch, pass } = await dnsTorture({ zone: { 'orders.test': { A: ['10.0.0.1'], ttl: 0 } } });
    const watches = Array.from({ length: 20 }, () => watch('dns://orders.test:80?family=4'));
    const start = clock.now();
    await pass(() => clock.now() - start > 8_000);
    const seconds = Math.ceil((clock.now() - start) / 1_000);
    expect(dns.count('orders.test', 'A')).toBeLessThanOrEqual(seconds);
    expect(dns.count('orders.test', 'A')).toBeGreaterThan(seconds / 3);
    expect(watches.every(({ seen }) => seen.length === 1)).toBe(true);
  });

  it.each([2 ** 31, 2 ** 32 - 1])('ttl-%i: asked for again within five minutes', async (ttl) => {
    const { clock, dns, watch, pass } = await dnsTorture({ zone: { 'orders.test': { A: ['10.0.0.1'], ttl } } });
    const orders = watch('dns://orders.test:80?family=4');
    await pass(() => orders.last?.state === 'fresh');
    const start = clock.now();
    await clock.advance(239_000);
    expect(dns.count()).toBe(1);
    await pass(() => dns.count() > 1, 500);
    expect(clock.now() - start).toBeLessThanOrEqual(301_000);
  });
});
