import { describe, expect, it } from 'vitest';
import { isMeshError } from '../../src/core/errors.ts';
import { Fault } from '../../src/resolver/index.ts';
import { fakeWorld, kindOf, watching } from './kit.ts';

describe('dns://', () => {
  it('makes an endpoint of each address, IPv4 first and IPv6 in reserve', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set('orders.test', 'A', ['10.0.0.1', '10.0.0.2']);
    dns.set('orders.test', 'AAAA', ['fd00::1']);
    const watch = watching(resolve('dns://orders.test:80'));
    expect(watch.seen).toEqual([]);
    await clock.advance(0);
    expect(watch.seen).toEqual([
      {
        endpoints: [{ address: '10.0.0.1:80' }, { address: '10.0.0.2:80' }, { address: '[fd00::1]:80', priority: 1 }],
        state: 'fresh',
        version: 1,
      },
    ]);
  });

  it('uses IPv6 first where the name has nothing else, and where the host has no IPv4', async () => {
    const only6 = fakeWorld();
    only6.dns.set('orders.test', 'AAAA', ['fd00::1']);
    only6.dns.set('orders.test', 'A', []);
    const watch = watching(only6.resolve('dns://orders.test:80'));
    await only6.clock.advance(0);
    expect(watch.last?.endpoints).toEqual([{ address: '[fd00::1]:80' }]);

    const host6 = fakeWorld({ families: () => ({ v4: false, v6: true }) });
    host6.dns.set('orders.test', 'AAAA', ['fd00::1']);
    host6.dns.set('orders.test', 'A', ['10.0.0.1']);
    const other = watching(host6.resolve('dns://orders.test:80'));
    await host6.clock.advance(0);
    expect(other.last?.endpoints).toEqual([{ address: '[fd00::1]:80' }, { address: '10.0.0.1:80', priority: 1 }]);
  });

  it('leaves AAAA unasked on a host without IPv6, unless the target says family=6', async () => {
    const { clock, dns, resolve } = fakeWorld({ families: () => ({ v4: true, v6: false }) });
    dns.set('orders.test', 'A', ['10.0.0.1']);
    dns.set('orders.test', 'AAAA', ['fd00::1']);
    const watch = watching(resolve('dns://orders.test:80'));
    await clock.advance(0);
    expect(watch.addresses).toEqual(['10.0.0.1:80']);
    expect(dns.count('orders.test', 'AAAA')).toBe(0);
    const six = watching(resolve('dns://orders.test:80?family=6'));
    await clock.advance(0);
    expect(six.addresses).toEqual(['[fd00::1]:80']);
    expect(dns.count('orders.test', 'A')).toBe(1);
  });

  it('is not held up by a server that drops AAAA questions', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set('orders.test', 'A', ['10.0.0.1']);
    dns.fail('orders.test', 'AAAA', 'never');
    const watch = watching(resolve('dns://orders.test:80'));
    await clock.advance(250);
    expect(watch.last).toEqual({ endpoints: [{ address: '10.0.0.1:80' }], state: 'fresh', version: 1 });
  });

  it('takes up the addresses of a family that answered late within 10 s', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set('orders.test', 'A', ['10.0.0.1'], 300);
    dns.set('orders.test', 'AAAA', ['fd00::1'], 300);
    dns.delay('orders.test', 'AAAA', 1_500);
    const watch = watching(resolve('dns://orders.test:80'));
    await clock.advance(250);
    expect(watch.addresses).toEqual(['10.0.0.1:80']);
    await clock.advance(10_000);
    expect(watch.addresses).toEqual(['10.0.0.1:80', '[fd00::1]:80']);
    expect([dns.count('orders.test', 'A'), dns.count('orders.test', 'AAAA')]).toEqual([1, 1]);
  });

  it('asks again at 80 to 100 % of the TTL, and tells of changes alone', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set('orders.test', 'A', ['10.0.0.1', '10.0.0.2'], 100);
    const watch = watching(resolve('dns://orders.test:80?family=4'));
    await clock.advance(79_999);
    expect(dns.count('orders.test', 'A')).toBe(1);
    dns.set('orders.test', 'A', ['10.0.0.2', '10.0.0.1'], 100);
    await clock.advance(20_001);
    expect(dns.count('orders.test', 'A')).toBe(2);
    expect(watch.seen).toHaveLength(1);
    dns.set('orders.test', 'A', ['10.0.0.2'], 100);
    await clock.advance(100_000);
    expect(watch.addresses).toEqual(['10.0.0.2:80']);
    expect(watch.seen.map(({ version }) => version)).toEqual([1, 2]);
  });

  it('takes the least TTL on the way: of the alias, of the records', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.alias('orders.test', 'A', 'backend.test', 10);
    dns.set('backend.test', 'A', ['10.0.0.1'], 200);
    watching(resolve('dns://orders.test:80?family=4'));
    await clock.advance(7_999);
    expect(dns.count('orders.test', 'A')).toBe(1);
    await clock.advance(2_001);
    expect(dns.count('orders.test', 'A')).toBe(2);
  });

  it.each([
    ['NXDOMAIN', 'NXDOMAIN'],
    ['SERVFAIL', 'SERVFAIL'],
    ['REFUSED', 'REFUSED'],
    ['never', 'TIMEOUT'],
    [new Fault('MALFORMED', 'sends an answer that cannot be read'), 'MALFORMED'],
    [new Fault('UNREACHABLE', 'cannot be reached'), 'UNREACHABLE'],
  ])('keeps the last good endpoints through %s and says so', async (how, kind) => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set('orders.test', 'A', ['10.0.0.1'], 1);
    const watch = watching(resolve('dns://orders.test:80?family=4'));
    await clock.advance(0);
    dns.fail('orders.test', 'A', how);
    await clock.advance(10_000);
    expect(watch.seen.map(({ state }) => state)).toEqual(['fresh', 'stale']);
    expect(watch.addresses).toEqual(['10.0.0.1:80']);
    expect(kindOf(watch.last)).toBe(kind);
    expect(isMeshError(watch.last?.error, 'INMESH_RESOLVE_FAILED')).toBe(true);
    expect(watch.last?.error?.message).toContain('dns://orders.test:80?family=4: 10.0.0.53:53 ');
    expect(watch.last?.error?.message).toContain('orders.test (A)');
    expect(watch.last?.error?.message).toContain('its last good endpoints (1) stay in use');
    await clock.advance(3_600_000);
    expect(watch.seen).toHaveLength(2);
    dns.set('orders.test', 'A', ['10.0.0.1'], 1);
    await clock.advance(35_000);
    expect(watch.last).toEqual({ endpoints: [{ address: '10.0.0.1:80' }], state: 'fresh', version: 3 });
  });

  it('backs off from 1 s to 30 s while the answer is a failure', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.fail('orders.test', 'A', 'SERVFAIL');
    watching(resolve('dns://orders.test:80?family=4'));
    await clock.advance(600_000);
    const times = dns.asked.map(({ at }) => at);
    const gaps = times.slice(1).map((at, index) => at - times[index]!);
    for (const [index, gap] of gaps.entries()) {
      const longest = Math.min(30_000, 1_000 * 2 ** index);
      expect(gap).toBeGreaterThanOrEqual(Math.max(1_000, longest / 2));
      expect(gap).toBeLessThanOrEqual(longest);
    }
    expect(gaps.length).toBeGreaterThan(20);
    expect(new Set(gaps.slice(6)).size).toBeGreaterThan(5);
  });

  it('begins the back-off anew after a good answer', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.fail('orders.test', 'A', 'SERVFAIL');
    const watch = watching(resolve('dns://orders.test:80?family=4'));
    await clock.advance(120_000);
    dns.set('orders.test', 'A', ['10.0.0.1'], 1);
    await clock.advance(30_000);
    expect(watch.last?.state).toBe('fresh');
    dns.fail('orders.test', 'A', 'SERVFAIL');
    await clock.advance(1_000);
    const failed = dns.asked.length;
    await clock.advance(3_000);
    expect(dns.asked.length).toBeGreaterThanOrEqual(failed + 2);
  });

  it('tells of a name that was never known at once, once for both families', async () => {
    const { clock, resolve } = fakeWorld();
    const watch = watching(resolve('dns://nobody.test:80'));
    await clock.advance(0);
    expect(watch.last).toMatchObject({ endpoints: [], state: 'error', version: 1 });
    expect(watch.last?.error?.message).toBe(
      'dns://nobody.test:80: 10.0.0.53:53 answers NXDOMAIN for nobody.test (A, AAAA); no endpoint is known; it is asked again every 1s to 30s until it answers',
    );
  });

  it('keeps the addresses of a family that fails while the other answers', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set('orders.test', 'A', ['10.0.0.1'], 5);
    dns.set('orders.test', 'AAAA', ['fd00::1'], 5);
    const watch = watching(resolve('dns://orders.test:80'));
    await clock.advance(0);
    dns.fail('orders.test', 'AAAA', 'SERVFAIL');
    dns.set('orders.test', 'A', ['10.0.0.2'], 5);
    await clock.advance(5_000);
    expect(watch.addresses).toEqual(['10.0.0.2:80', '[fd00::1]:80']);
    expect(watch.last?.state).toBe('stale');
    expect(kindOf(watch.last)).toBe('SERVFAIL');
  });

  it('doubts an empty answer for 30 s and believes it then', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set('orders.test', 'A', ['10.0.0.1'], 1);
    const watch = watching(resolve('dns://orders.test:80?family=4'));
    await clock.advance(0);
    dns.set('orders.test', 'A', []);
    await clock.advance(1_000);
    expect(watch.last).toMatchObject({ state: 'stale', endpoints: [{ address: '10.0.0.1:80' }] });
    expect(kindOf(watch.last)).toBe('NODATA');
    await clock.advance(28_000);
    expect(watch.last?.state).toBe('stale');
    await clock.advance(2_000);
    expect(watch.last).toMatchObject({ state: 'empty', endpoints: [] });
    dns.set('orders.test', 'A', ['10.0.0.1'], 1);
    await clock.advance(30_000);
    expect(watch.last).toMatchObject({ state: 'fresh', endpoints: [{ address: '10.0.0.1:80' }] });
  });

  it('does not believe an empty answer that nothing confirms', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set('orders.test', 'A', ['10.0.0.1'], 1);
    const watch = watching(resolve('dns://orders.test:80?family=4'));
    await clock.advance(0);
    dns.set('orders.test', 'A', []);
    await clock.advance(1_000);
    dns.fail('orders.test', 'A', 'SERVFAIL');
    await clock.advance(120_000);
    expect(watch.last).toMatchObject({ state: 'stale', endpoints: [{ address: '10.0.0.1:80' }] });
  });

  it('asks at once on refresh, but not twice within a second', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set('orders.test', 'A', ['10.0.0.1'], 300);
    const resolver = resolve('dns://orders.test:80?family=4');
    const watch = watching(resolver);
    await clock.advance(5_000);
    dns.set('orders.test', 'A', ['10.0.0.2'], 300);
    for (let times = 0; times < 10; times++) {
      resolver.refresh?.();
      await clock.advance(10);
    }
    expect(dns.count('orders.test', 'A')).toBe(2);
    expect(watch.addresses).toEqual(['10.0.0.2:80']);
    await clock.advance(1_000);
    expect(dns.count('orders.test', 'A')).toBe(3);
    await clock.advance(10_000);
    expect(dns.count('orders.test', 'A')).toBe(3);
  });

  it('tells and asks nothing after stop, and starts afresh when watched again', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set('orders.test', 'A', ['10.0.0.1'], 1);
    const resolver = resolve('dns://orders.test:80?family=4');
    const first = watching(resolver);
    first.stop();
    await clock.advance(10_000);
    expect(first.seen).toEqual([]);
    expect(clock.pending).toBe(0);
    const second = watching(resolver);
    await clock.advance(0);
    expect(second.addresses).toEqual(['10.0.0.1:80']);
    second.stop();
    const count = dns.asked.length;
    await clock.advance(60_000);
    expect(dns.asked).toHaveLength(count);
    expect(clock.pending).toBe(0);
  });

  it('shares one query among all who want the same name', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set('orders.test', 'A', ['10.0.0.1'], 60);
    const watches = Array.from({ length: 50 }, () => watching(resolve('dns://orders.test:80?family=4')));
    await clock.advance(10_000);
    expect(dns.count('orders.test', 'A')).toBe(1);
    expect(watches.every(({ addresses }) => addresses[0] === '10.0.0.1:80')).toBe(true);
  });

  it('survives a listener that throws', async () => {
    const { clock, dns, resolve } = fakeWorld();
    dns.set('orders.test', 'A', ['10.0.0.1'], 1);
    let told = 0;
    resolve('dns://orders.test:80?family=4').watch(() => {
      told++;
      throw new Error('not my day');
    });
    await clock.advance(0);
    dns.set('orders.test', 'A', ['10.0.0.2'], 1);
    await clock.advance(2_000);
    expect(told).toBe(2);
  });
});
