import { describe, expect, it } from 'vitest';
import { isMeshError } from '../../src/core/errors.ts';
import { checkTarget, createResolver, type Scheme, standardSchemes, type Target } from '../../src/resolver/index.ts';
import { ManualResolver } from '../../src/testing/manual-resolver.ts';
import { manualEnv, watching } from './kit.ts';

describe('targets', () => {
  it.each([
    'static://10.0.0.1:80',
    'static://10.0.0.1:80,[::1]:81, orders.internal:82',
    'dns://orders.internal:8080',
    'dns:///orders.internal:8080',
    'DNS://Orders.Internal.:8080?server=127.0.0.1:5353&family=4',
    'dns://[::1]:80?server=[fd00::1]:53',
    'dns://orders:80?server=10.0.0.1,10.0.0.2:54',
    'srv://_http._tcp.orders.internal',
    'file:///etc/inmesh/orders.json',
    [{ address: '10.0.0.1:80', weight: 0.5, zone: 'a', priority: 1, metadata: { version: '2' } }],
    ['dns://orders.internal:80', 'static://10.0.0.1:80'],
    [new ManualResolver(), 'static://10.0.0.1:80'],
    new ManualResolver(),
  ] satisfies Target[])('takes %j', (target) => {
    expect(checkTarget(target)).toBeUndefined();
  });

  it.each([
    ['10.0.0.1:80', 'no scheme', 'static://10.0.0.1:80'],
    ['orders', 'no scheme', 'dns://'],
    ['', 'no scheme', 'dns://'],
    ['dsn://orders:80', 'unknown scheme dsn://', 'did you mean dns://'],
    ['constructor://orders:80', 'unknown scheme', 'static://'],
    ['static://', 'empty address', 'host:port'],
    ['static://10.0.0.1', 'no address', 'host:port'],
    ['static://10.0.0.1:80,', 'empty address', 'host:port'],
    ['static://10.0.0.1:70000', 'no address', '65535'],
    ['dns://orders', 'no port', 'dns://orders:80'],
    ['dns://:80', 'no name', ''],
    ['dns://orders:http', 'port "http"', '1 to 65535'],
    ['dns://orders:0', 'port "0"', '1 to 65535'],
    ['dns://or ders:80', 'in its name', 'letters'],
    ['dns://user@orders:80', 'in its name', 'letters'],
    ['dns://orders..internal:80', 'empty part', 'dots'],
    [`dns://${'a'.repeat(64)}.test:80`, 'more than 63', ''],
    [`dns://${'a.'.repeat(200)}test:80`, 'more than 253', ''],
    ['dns://orders:80/path', 'after the name', 'leave it out'],
    ['dns://orders:80?sever=1.1.1.1', 'unknown option "sever"', 'did you mean server'],
    ['dns://orders:80?server=ns.internal', 'server "ns.internal"', 'ip:port'],
    ['dns://orders:80?family=5', 'family "5"', '4 or 6'],
    ['dns://[::zz]:80', 'no IPv6', ''],
    ['srv://_http._tcp.orders:80', 'has a port', 'leave it out'],
    ['srv://10.0.0.1', 'is an address', '_http._tcp'],
    ['file://orders.json', 'absolute path', 'file:///etc'],
    ['file:///etc/orders/', 'a directory', 'JSON file'],
    ['file:///etc/orders.json?x', 'after the path', ''],
    ['file:///etc%2forders.json', 'encoded slash', ''],
    [[], 'empty list', ''],
    [42, 'is 42', 'dns://'],
    [undefined, 'is undefined', 'dns://'],
    [null, 'is null', 'dns://'],
    [[{ address: '10.0.0.1' }], 'target[0].address', 'host:port'],
    [[{ address: '10.0.0.1:80', wieght: 2 }], 'target[0].wieght is unknown', 'did you mean weight'],
    [[{ address: '10.0.0.1:80', weight: -1 }], 'target[0].weight is -1', '0 or more'],
    [[{ address: '10.0.0.1:80', weight: NaN }], 'target[0].weight', '0 or more'],
    [[{ address: '10.0.0.1:80', priority: 1.5 }], 'target[0].priority', 'whole number'],
    [[{ address: '10.0.0.1:80', metadata: { a: 1 } }], 'target[0].metadata', 'object of texts'],
    [[{ address: '10.0.0.1:80', zone: 7 }], 'target[0].zone is 7', 'text'],
    [['dns://orders:80', { address: '10.0.0.1:80' }], 'target[1] is {"address"', 'static://'],
    [['dns://orders', 'static://x'], 'no port', 'no address'],
    [JSON.parse('[{"address":"10.0.0.1:80","__proto__":{"weight":9}}]'), '__proto__ is unknown', ''],
  ])('refuses %j and says what to write', (target, problem, remedy) => {
    const { env } = manualEnv();
    const message = checkTarget(target);
    expect(message).toContain(problem);
    expect(message).toContain(remedy);
    let thrown: unknown;
    try {
      createResolver(target as Target, env);
    } catch (error) {
      thrown = error;
    }
    expect(isMeshError(thrown, 'INMESH_CONFIG')).toBe(true);
  });

  it('does nothing before watch: no code loaded, no timer, no socket', async () => {
    const { clock, env } = manualEnv();
    let loaded = 0;
    const load: Scheme['load'] = () => {
      loaded++;
      return (target) => new ManualResolver(['10.0.0.1:80'], target);
    };
    const schemes = { ...standardSchemes, k8s: { check: () => undefined, load } };
    const resolver = createResolver('k8s://shop/orders:http', env, schemes);
    createResolver('dns://orders.internal:80', env);
    createResolver('file:///nowhere/orders.json', env);
    await clock.advance(10_000);
    expect([loaded, clock.pending]).toEqual([0, 0]);
    expect(resolver.target).toBe('k8s://shop/orders:http');
    const watch = watching(resolver);
    await clock.advance(0);
    expect(watch.addresses).toEqual(['10.0.0.1:80']);
    watching(resolver);
    await clock.advance(0);
    expect(loaded).toBe(1);
  });

  it('names the added schemes in the error for an unknown one', () => {
    const schemes = {
      ...standardSchemes,
      consul: { check: () => 'has no service', load: () => () => new ManualResolver() },
    };
    expect(checkTarget('consl://orders', schemes)).toContain('did you mean consul://');
    expect(checkTarget('consul://', schemes)).toBe('the target "consul://" has no service');
  });

  it('tells of code that cannot be loaded as of any other fault', async () => {
    const { clock, env } = manualEnv();
    const schemes = { odd: { check: () => undefined, load: () => Promise.reject(new Error('not in the bundle')) } };
    const watch = watching(createResolver('odd://x', env, schemes));
    await clock.advance(0);
    expect(watch.last?.state).toBe('error');
    expect(watch.last?.error?.message).toContain('not in the bundle');
  });

  it('stops cleanly though the code is still being loaded', async () => {
    const { clock, env } = manualEnv();
    const inner = new ManualResolver(['10.0.0.1:80']);
    const watch = watching(
      createResolver('odd://x', env, { odd: { check: () => undefined, load: () => () => inner } }),
    );
    watch.stop();
    await clock.advance(0);
    expect([watch.seen.length, inner.watchers]).toEqual([0, 0]);
  });
});

describe('static targets', () => {
  it('tell their endpoints once, not in the turn of watch', async () => {
    const { clock, env } = manualEnv();
    const text = watching(createResolver('static://10.0.0.1:80,[::1]:81', env));
    const list = watching(createResolver([{ address: '10.0.0.1:80', weight: 2, zone: 'a' }], env));
    expect([text.seen.length, list.seen.length]).toEqual([0, 0]);
    await clock.advance(60_000);
    expect(text.seen).toEqual([
      { endpoints: [{ address: '10.0.0.1:80' }, { address: '[::1]:81' }], state: 'fresh', version: 1 },
    ]);
    expect(list.seen).toEqual([
      { endpoints: [{ address: '10.0.0.1:80', weight: 2, zone: 'a' }], state: 'fresh', version: 1 },
    ]);
  });
});
