import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Knot, startKnot } from './kit/knot.ts';
import { type Watch, watch } from './kit/watch.ts';

/** More than fit into one datagram, even with EDNS: the answer over UDP says that it is truncated. */
const many = Array.from({ length: 1_000 }, (_, index) => `127.1.${index >> 8}.${index & 255}`);

describe('discovery with Knot DNS', () => {
  let knot: Knot;
  const watches: Watch[] = [];

  const follow = (target: string): Watch => {
    const started = watch(`${target}?server=${knot.server}`);
    watches.push(started);
    return started;
  };

  beforeAll(async () => {
    knot = await startKnot({
      'mesh.test': [
        'orders 1 A 127.0.0.1',
        'both 1 A 127.0.0.1',
        'both 1 AAAA ::1',
        'alias 1 CNAME orders',
        'text 1 TXT "no address"',
        '_http._tcp.shop 1 SRV 10 30 8001 one.shop',
        '_http._tcp.shop 1 SRV 10 70 8002 two.shop',
        '_http._tcp.shop 1 SRV 20 1 8003 three.shop',
        '_http._tcp.closed 1 SRV 0 0 0 .',
        'one.shop 1 A 127.0.0.1',
        'two.shop 1 A 127.0.0.2',
        'three.shop 1 A 127.0.0.3',
        ...many.map((address) => `many 1 A ${address}`),
      ],
      'expiring.test': ['orders 1 A 127.0.0.1'],
    });
  });

  afterEach(() => {
    for (const { stop } of watches.splice(0)) stop();
  });
  afterAll(() => knot.stop());

  it('follows a zone that changes by dynamic update', async () => {
    const orders = follow('dns://orders.mesh.test:8080');
    await orders.untilAddresses('127.0.0.1:8080');
    await knot.update('mesh.test', 'add orders 1 A 127.0.0.2', 'add orders 1 A 127.0.0.3');
    await orders.untilAddresses('127.0.0.1:8080', '127.0.0.2:8080', '127.0.0.3:8080');
    await knot.update('mesh.test', 'delete orders A 127.0.0.1');
    await orders.untilAddresses('127.0.0.2:8080', '127.0.0.3:8080');
    expect(orders.state()).toBe('fresh');
    await knot.update('mesh.test', 'delete orders A', 'add orders 1 A 127.0.0.1');
    await orders.untilAddresses('127.0.0.1:8080');
  });

  it('reads a thousand addresses, which come over TCP as the datagram is truncated', async () => {
    const all = follow('dns://many.mesh.test:80');
    await all.untilAddresses(...many.map((address) => `${address}:80`));
    expect(all.snapshots).toHaveLength(1);
  });

  it('follows an alias and reads both families', async () => {
    const alias = follow('dns://alias.mesh.test:80');
    await alias.untilState('fresh');
    expect(alias.addresses()).toEqual(['127.0.0.1:80']);
    const both = follow('dns://both.mesh.test:80');
    await both.untilState('fresh');
    expect(both.addresses()).toEqual(['127.0.0.1:80', '[::1]:80']);
  });

  it('keeps the last good addresses while the zone answers SERVFAIL, and follows it again afterwards', async () => {
    const orders = follow('dns://orders.expiring.test:80');
    await orders.untilAddresses('127.0.0.1:80');
    await knot.expire('expiring.test');
    await orders.untilState('stale');
    expect(orders.fault()).toBe('SERVFAIL');
    expect(orders.addresses()).toEqual(['127.0.0.1:80']);
    await knot.reload();
    await orders.untilState('fresh');
    expect(orders.addresses()).toEqual(['127.0.0.1:80']);
  });

  it.each([
    ['a name that does not exist', 'dns://missing.mesh.test:80', 'error', 'NXDOMAIN'],
    ['a zone that is not served here', 'dns://orders.elsewhere.test:80', 'error', 'REFUSED'],
    ['a name without addresses', 'dns://text.mesh.test:80', 'empty', 'NODATA'],
    ['a service that declares itself unavailable', 'srv://_http._tcp.closed.mesh.test', 'empty', 'UNAVAILABLE'],
  ] as const)('tells of %s as what it is', async (_name, target, state, fault) => {
    const told = follow(target);
    await told.untilState(state);
    expect(told.fault()).toBe(fault);
    expect(told.addresses()).toEqual([]);
  });

  it('reads priority, weight and port from SRV records, and follows their changes', async () => {
    const shop = follow('srv://_http._tcp.shop.mesh.test');
    await shop.untilAddresses('127.0.0.1:8001', '127.0.0.2:8002', '127.0.0.3:8003');
    const byAddress = new Map(shop.snapshots.at(-1)!.endpoints.map((endpoint) => [endpoint.address, endpoint]));
    const [one, two, three] = ['127.0.0.1:8001', '127.0.0.2:8002', '127.0.0.3:8003'].map((key) => byAddress.get(key)!);
    expect(two!.weight! / one!.weight!).toBeCloseTo(70 / 30, 5);
    expect(one!.priority ?? 0).toBe(two!.priority ?? 0);
    expect(three!.priority ?? 0).toBeGreaterThan(one!.priority ?? 0);
    await knot.update('mesh.test', 'delete _http._tcp.shop SRV 10 70 8002 two.shop', 'add four.shop 1 A 127.0.0.4');
    await knot.update('mesh.test', 'add _http._tcp.shop 1 SRV 10 70 8004 four.shop');
    await shop.untilAddresses('127.0.0.1:8001', '127.0.0.3:8003', '127.0.0.4:8004');
  });

  it('starts while the server is down, and heals by itself when it comes', async () => {
    await knot.halt();
    const orders = follow('dns://orders.mesh.test:80');
    await orders.untilState('error');
    await knot.start();
    await orders.untilAddresses('127.0.0.1:80');
    expect(orders.state()).toBe('fresh');
  });
});
