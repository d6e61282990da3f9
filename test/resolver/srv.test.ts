import { describe, expect, it } from 'vitest';
import type { DnsRecord, ServiceRecord } from '../../src/resolver/dns/message.ts';
import { fakeWorld, kindOf, watching } from './kit.ts';

const NAME = '_http._tcp.orders.test';
const TARGET = `srv://${NAME}?family=4`;

function record(target: string, given: Partial<ServiceRecord> = {}): ServiceRecord {
  return { target, priority: 0, weight: 1, port: 80, ...given };
}

function additional(name: string, data: string, ttl: number): DnsRecord {
  return { name, ttl, type: 'A', data };
}

describe('srv://', () => {
  it('takes port and weight from the record, and makes ranks of the priorities', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set(NAME, 'SRV', [
      record('b.test', { priority: 20, port: 8082 }),
      record('a.test', { priority: 10, port: 8081, weight: 60 }),
      record('c.test', { priority: 10, port: 8083, weight: 40 }),
    ]);
    for (const [index, host] of ['a.test', 'b.test', 'c.test'].entries()) dns.set(host, 'A', [`10.0.0.${index + 1}`]);
    const watch = watching(resolve(TARGET));
    await clock.advance(0);
    expect(watch.last?.state).toBe('fresh');
    expect(new Set(watch.last?.endpoints)).toEqual(
      new Set([
        { address: '10.0.0.1:8081', weight: 60, priority: 0 },
        { address: '10.0.0.3:8083', weight: 40, priority: 0 },
        { address: '10.0.0.2:8082', weight: 1, priority: 1 },
      ]),
    );
  });

  it('gives records of weight 0 a very small chance, not none, and equal ones where all are 0', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set('a.test', 'A', ['10.0.0.1']);
    dns.set('b.test', 'A', ['10.0.0.2']);
    dns.set(NAME, 'SRV', [record('a.test', { weight: 0 }), record('b.test', { weight: 50 })], 1);
    const watch = watching(resolve(TARGET));
    await clock.advance(0);
    const weights = watch.last!.endpoints.map(({ weight }) => weight!);
    expect(weights[1]).toBe(50);
    expect(weights[0]).toBeGreaterThan(0);
    expect(weights[0]! / 50).toBeLessThanOrEqual(0.01);
    dns.set(NAME, 'SRV', [record('a.test', { weight: 0 }), record('b.test', { weight: 0 })], 1);
    await clock.advance(1_000);
    expect(watch.last!.endpoints.map(({ weight }) => weight)).toEqual([1, 1]);
  });

  it('shares the weight of a target among its addresses, and keeps the second family in reserve', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set('a.test', 'A', ['10.0.0.1', '10.0.0.2']);
    dns.set('a.test', 'AAAA', ['fd00::1']);
    dns.set(NAME, 'SRV', [record('a.test', { weight: 10 })]);
    const watch = watching(resolve(`srv://${NAME}`));
    await clock.advance(0);
    expect(watch.last?.endpoints).toEqual([
      { address: '10.0.0.1:80', weight: 5, priority: 0 },
      { address: '10.0.0.2:80', weight: 5, priority: 0 },
      { address: '[fd00::1]:80', weight: 10, priority: 1 },
    ]);
  });

  it('lists an address once though two records lead to it', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set('a.test', 'A', ['10.0.0.1']);
    dns.set('b.test', 'A', ['10.0.0.1']);
    dns.set(NAME, 'SRV', [record('b.test', { priority: 2 }), record('a.test', { priority: 1 })]);
    const watch = watching(resolve(TARGET));
    await clock.advance(0);
    expect(watch.last?.endpoints).toEqual([{ address: '10.0.0.1:80', weight: 1, priority: 0 }]);
  });

  it('believes a target of "." at once: the service is not available', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set('a.test', 'A', ['10.0.0.1']);
    dns.set(NAME, 'SRV', [record('a.test')], 1);
    const watch = watching(resolve(TARGET));
    await clock.advance(0);
    dns.set(NAME, 'SRV', [record('', { port: 0 })], 1);
    await clock.advance(1_000);
    expect(watch.last).toMatchObject({ state: 'empty', endpoints: [] });
    expect(kindOf(watch.last)).toBe('UNAVAILABLE');
  });

  it('uses the addresses that come along, each for its own TTL', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set(NAME, 'SRV', [record('a.test'), record('b.test')], 100, [
      additional('a.test', '10.0.0.1', 100),
      additional('b.test', '10.0.0.2', 10),
    ]);
    dns.set('a.test', 'A', ['10.9.9.9']);
    dns.set('b.test', 'A', ['10.0.0.3'], 20);
    const watch = watching(resolve(TARGET));
    await clock.advance(0);
    expect(watch.addresses).toEqual(['10.0.0.1:80', '10.0.0.2:80']);
    expect(dns.asked.map(({ type }) => type)).toEqual(['SRV']);
    await clock.advance(10_000);
    expect(watch.addresses).toEqual(['10.0.0.1:80', '10.0.0.3:80']);
    expect(dns.count(NAME, 'SRV')).toBe(1);
    await clock.advance(65_000);
    expect(dns.count(NAME, 'SRV')).toBe(1);
    expect(dns.count('b.test', 'A')).toBeGreaterThan(2);
    expect(dns.count('a.test', 'A')).toBe(0);
    await clock.advance(25_000);
    expect(dns.count(NAME, 'SRV')).toBe(2);
  });

  it('keeps the addresses of a target that cannot be looked up, and leaves out one that never could', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set('a.test', 'A', ['10.0.0.1'], 5);
    dns.set('b.test', 'A', ['10.0.0.2'], 5);
    dns.fail('c.test', 'A', 'SERVFAIL');
    dns.set(NAME, 'SRV', [record('a.test'), record('b.test'), record('c.test')], 5);
    const watch = watching(resolve(TARGET));
    await clock.advance(0);
    expect(watch.addresses).toEqual(['10.0.0.1:80', '10.0.0.2:80']);
    expect(watch.last?.state).toBe('stale');
    expect(watch.last?.error?.message).toContain('c.test');
    dns.fail('b.test', 'A', 'NXDOMAIN');
    dns.set('c.test', 'A', ['10.0.0.3'], 5);
    await clock.advance(5_000);
    expect(watch.addresses).toEqual(['10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80']);
    dns.set(NAME, 'SRV', [record('a.test'), record('c.test')], 5);
    await clock.advance(10_000);
    expect(watch.last).toMatchObject({ state: 'fresh' });
    expect(watch.addresses).toEqual(['10.0.0.1:80', '10.0.0.3:80']);
  });

  it('asks again soon for a target that could not be looked up, and for nothing else', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set('a.test', 'A', ['10.0.0.1'], 300);
    dns.fail('b.test', 'A', 'SERVFAIL');
    dns.set(NAME, 'SRV', [record('a.test'), record('b.test')], 300);
    const watch = watching(resolve(TARGET));
    await clock.advance(500);
    dns.set('b.test', 'A', ['10.0.0.2'], 300);
    await clock.advance(500);
    expect(watch.last?.state).toBe('fresh');
    expect(watch.addresses).toEqual(['10.0.0.1:80', '10.0.0.2:80']);
    expect([dns.count(NAME, 'SRV'), dns.count('a.test', 'A'), dns.count('b.test', 'A')]).toEqual([1, 1, 2]);
  });

  it('looks up a thousand targets with 64 questions under way at most', async () => {
    const { clock, dns, resolve } = fakeWorld();
    const hosts = Array.from({ length: 1_000 }, (_, index) => `h${index}.test`);
    for (const [index, host] of hosts.entries()) {
      dns.set(host, 'A', [`10.0.${index >> 8}.${index & 255}`]);
      dns.delay(host, 'A', 50);
    }
    dns.set(
      NAME,
      'SRV',
      hosts.map((host) => record(host)),
    );
    const watch = watching(resolve(TARGET));
    await clock.advance(1_000);
    expect(watch.addresses).toHaveLength(1_000);
    expect(dns.peak).toBe(64);
  });

  it('doubts an answer without records for 30 s, and keeps what it had when the name is gone', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set('a.test', 'A', ['10.0.0.1']);
    dns.set(NAME, 'SRV', [record('a.test')], 1);
    const watch = watching(resolve(TARGET));
    await clock.advance(0);
    dns.fail(NAME, 'SRV', 'NXDOMAIN');
    await clock.advance(100_000);
    expect(watch.last).toMatchObject({ state: 'stale' });
    dns.set(NAME, 'SRV', []);
    await clock.advance(29_000);
    expect(watch.last).toMatchObject({ state: 'stale' });
    await clock.advance(35_000);
    expect(watch.last).toMatchObject({ state: 'empty', endpoints: [] });
  });
});
