import { describe, expect, it, onTestFinished } from 'vitest';
import { DnsServer } from '../../src/testing/dns-server.ts';
import { kindOf } from '../resolver/kit.ts';
import { dnsTorture } from './dns.ts';

describe('29 DNS down at start', () => {
  it('is told at once, does not crash, and heals one back-off step after the server is up', async () => {
    const { clock, dns, watch, pass } = await dnsTorture();
    await dns.close();
    const orders = watch('dns://orders.test:80?family=4');
    await pass(() => orders.last !== undefined);
    expect(orders.last).toMatchObject({ state: 'error', endpoints: [] });
    expect(kindOf(orders.last)).toBe('UNREACHABLE');
    const down = clock.now();
    await pass(() => clock.now() - down > 20_000, 100);
    const port = Number(dns.address.split(':')[1]);
    const up = await DnsServer.start({ port, zone: { 'orders.test': { A: ['10.0.0.1'] } } });
    onTestFinished(() => up.close());
    const since = clock.now();
    await pass(() => orders.last?.state === 'fresh');
    expect(clock.now() - since).toBeLessThanOrEqual(30_200);
    expect(orders.addresses).toEqual(['10.0.0.1:80']);
  });

  it('heals within two seconds when it was down for a moment only', async () => {
    const { clock, dns, watch, pass } = await dnsTorture({ zone: { 'orders.test': { A: ['10.0.0.1'] } } });
    dns.fault('*', 'servfail');
    const orders = watch('dns://orders.test:80?family=4');
    await pass(() => orders.last !== undefined);
    dns.fault('*', undefined);
    const since = clock.now();
    await pass(() => orders.last?.state === 'fresh');
    expect(clock.now() - since).toBeLessThanOrEqual(2_000);
  });
});
