import { describe, expect, it } from 'vitest';
import { dnsTorture } from './dns.ts';

describe('27 many records and flapping ones', () => {
  it('1000-records: all arrive, over TCP', async () => {
    const { dns, watch, pass } = await dnsTorture();
    const addresses = Array.from({ length: 1_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
    dns.set('orders.test', 'A', addresses);
    const orders = watch('dns://orders.test:80?family=4');
    await pass(() => orders.last !== undefined);
    expect(orders.addresses).toEqual(addresses.map((address) => `${address}:80`));
    expect(dns.queries.map(({ transport }) => transport)).toEqual(['udp', 'tcp']);
  });

  it('flap: one snapshot for each change seen, at most one a second, and what does not flap is in all of them', async () => {
    const { clock, dns, watch, pass } = await dnsTorture();
    const [odd, even] = [
      ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
      ['10.0.0.4', '10.0.0.2', '10.0.0.1'],
    ];
    dns.set('orders.test', 'A', odd, 1);
    const orders = watch('dns://orders.test:80?family=4');
    await pass(() => orders.last !== undefined);
    const start = clock.now();
    for (let second = 1; second <= 20; second++) {
      dns.set('orders.test', 'A', second % 2 === 0 ? odd : even, 1);
      await pass(() => clock.now() - start >= second * 1_000);
    }
    expect(orders.seen.length).toBeGreaterThan(10);
    expect(orders.seen.length).toBeLessThanOrEqual(21);
    for (const { endpoints, state } of orders.seen) {
      expect(state).toBe('fresh');
      expect(endpoints.map(({ address }) => address)).toEqual(expect.arrayContaining(['10.0.0.1:80', '10.0.0.2:80']));
    }
  });
});
