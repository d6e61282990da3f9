import { describe, expect, it } from 'vitest';
import { ServiceEndpoints } from '../../src/discovery/kubernetes/endpoints.ts';
import { readSlice, type Slice, Strings } from '../../src/discovery/kubernetes/slice.ts';
import type { Place } from '../../src/discovery/kubernetes/topology.ts';
import { slice, type SliceObject } from '../kit/apiserver.ts';

interface Asking {
  readonly port?: string | number;
  readonly place?: Partial<Place>;
  readonly family?: 4 | 6;
}

/** What slices come to: addresses (`+` where they are of priority 1), or the kind of fault. */
function read(slices: readonly SliceObject[], { port, place = {}, family = 4 }: Asking = {}): string {
  const map = new Map<string, Slice>();
  for (const object of slices) {
    const one = readSlice(object, new Strings());
    if (one !== undefined) map.set(one.name, one);
  }
  const own = { zone: undefined, node: undefined, ...place };
  const found = new ServiceEndpoints({ name: 'shop/orders', port, place: own, family }).of(map);
  if ('none' in found) return found.none.kind;
  return found.endpoints.map(({ address, priority }) => `${priority === 1 ? '+' : ''}${address}`).join(' ');
}

const at = (address: string, conditions: object = {}, more: object = {}): object => ({
  addresses: [address],
  conditions,
  ...more,
});
const http = { name: 'http', port: 80 };
const admin = { name: 'admin', port: 9_000 };

describe('37 duplicate slices, one address in two slices, conditions that are null', () => {
  it.each<[string, readonly SliceObject[], Asking, string]>([
    ['all slices count', [slice('a', ['10.0.0.1']), slice('b', ['10.0.0.2'])], {}, '10.0.0.1:80 10.0.0.2:80'],
    [
      'an address in two slices counts once',
      [slice('a', ['10.0.0.1', '10.0.0.2']), slice('b', ['10.0.0.2', '10.0.0.3'])],
      {},
      '10.0.0.1:80 10.0.0.2:80 10.0.0.3:80',
    ],
    [
      'of an address in two slices the ready one counts, whichever comes first',
      [slice('a', [at('10.0.0.1', { ready: false })]), slice('b', ['10.0.0.1'])],
      {},
      '10.0.0.1:80',
    ],
    [
      'and the other way round',
      [slice('b', ['10.0.0.1']), slice('a', [at('10.0.0.1', { ready: false })])],
      {},
      '10.0.0.1:80',
    ],
    [
      'ready that is null or missing is yes',
      [slice('a', [at('10.0.0.1', { ready: null }), { addresses: ['10.0.0.2'] }, at('10.0.0.3', { ready: false })])],
      {},
      '10.0.0.1:80 10.0.0.2:80',
    ],
    [
      'terminating but serving is used when none is ready; serving that is null is yes',
      [
        slice('a', [
          at('10.0.0.1', { ready: false, serving: true, terminating: true }),
          at('10.0.0.2', { ready: false, terminating: true }),
          at('10.0.0.3', { ready: false, serving: false, terminating: true }),
          at('10.0.0.4', { ready: false, serving: true }),
        ]),
      ],
      {},
      '10.0.0.1:80 10.0.0.2:80',
    ],
    [
      'terminating but serving is not used while one is ready',
      [slice('a', [at('10.0.0.1', { ready: false, serving: true, terminating: true }), '10.0.0.2'])],
      {},
      '10.0.0.2:80',
    ],
    ['none ready', [slice('a', [at('10.0.0.1', { ready: false })])], {}, 'NOT_READY'],
    ['endpoints that are null', [{ ...slice('a', []), endpoints: null }], {}, 'NOT_READY'],
    ['no slice', [], {}, 'NO_SERVICE'],
    ['only the first address counts', [slice('a', [{ addresses: ['10.0.0.1', '10.0.0.9'] }])], {}, '10.0.0.1:80'],
    [
      'an address that is none is left out',
      [slice('a', ['nonsense', '', '::1', '10.0.0.1']), slice('b', [{ addresses: null }])],
      {},
      '10.0.0.1:80',
    ],
    [
      'host names (FQDN) are left out',
      [slice('a', ['10.0.0.1']), slice('b', ['x.test'], { addressType: 'FQDN' })],
      {},
      '10.0.0.1:80',
    ],
  ])('%s', (_name, slices, asking, expected) => {
    expect(read(slices, asking)).toBe(expected);
  });

  it.each<[string, readonly SliceObject[], Asking, string]>([
    [
      'the same name may be another number in another slice',
      [slice('a', ['10.0.0.1']), slice('b', ['10.0.0.2'], { ports: [{ name: 'http', port: 8_080 }] })],
      { port: 'http' },
      '10.0.0.1:80 10.0.0.2:8080',
    ],
    ['a port by name', [slice('a', ['10.0.0.1'], { ports: [http, admin] })], { port: 'admin' }, '10.0.0.1:9000'],
    ['a port by number', [slice('a', ['10.0.0.1'], { ports: [http, admin] })], { port: 9_000 }, '10.0.0.1:9000'],
    ['several ports and none named', [slice('a', ['10.0.0.1'], { ports: [http, admin] })], {}, 'NO_PORT'],
    ['no port of that name', [slice('a', ['10.0.0.1'])], { port: 'grpc' }, 'NO_PORT'],
    ['one port without a name', [slice('a', ['10.0.0.1'], { ports: [{ name: '', port: 80 }] })], {}, '10.0.0.1:80'],
    ['a name that is null', [slice('a', ['10.0.0.1'], { ports: [{ name: null, port: 80 }] })], {}, '10.0.0.1:80'],
    [
      'UDP is no port here',
      [slice('a', ['10.0.0.1'], { ports: [{ name: 'dns', port: 53, protocol: 'UDP' }, http] })],
      {},
      '10.0.0.1:80',
    ],
    ['a headless Service without ports', [slice('a', ['10.0.0.1'], { ports: null })], { port: 5_432 }, '10.0.0.1:5432'],
    ['and without a number', [slice('a', ['10.0.0.1'], { ports: [] })], {}, 'NO_PORT'],
    [
      'a port that restricts nothing',
      [slice('a', ['10.0.0.1'], { ports: [{ name: '', port: null }] })],
      { port: 81 },
      '10.0.0.1:81',
    ],
    [
      'a slice without that port adds nothing',
      [slice('a', ['10.0.0.1']), slice('b', ['10.0.0.2'], { ports: [admin] })],
      { port: 'http' },
      '10.0.0.1:80',
    ],
  ])('ports: %s', (_name, slices, asking, expected) => {
    expect(read(slices, asking)).toBe(expected);
  });

  const v4 = slice('a', ['10.0.0.1', '10.0.0.2']);
  const v6 = slice('b', ['fd00::1', 'fd00::2'], { addressType: 'IPv6' });
  it.each<[string, readonly SliceObject[], Asking, string]>([
    ['dual stack is not twice the endpoints', [v4, v6], {}, '10.0.0.1:80 10.0.0.2:80'],
    ['a host with IPv6 alone takes that', [v4, v6], { family: 6 }, '[fd00::1]:80 [fd00::2]:80'],
    ['IPv6 alone is used on any host', [v6], {}, '[fd00::1]:80 [fd00::2]:80'],
    [
      'IPv6 is used where IPv4 has none that is ready',
      [slice('a', [at('10.0.0.1', { ready: false })]), v6],
      {},
      '[fd00::1]:80 [fd00::2]:80',
    ],
  ])('families: %s', (_name, slices, asking, expected) => {
    expect(read(slices, asking)).toBe(expected);
  });

  it('keeps what hints mean for others in reserve, at priority 1', () => {
    const hinted = (address: string, zone: string): object =>
      at(address, {}, { zone, hints: { forZones: [{ name: zone }] } });
    const slices = [slice('a', [hinted('10.0.0.1', 'a'), hinted('10.0.0.2', 'b'), hinted('10.0.0.3', 'a')])];
    expect(read(slices, { place: { zone: 'a' } })).toBe('10.0.0.1:80 10.0.0.3:80 +10.0.0.2:80');
    expect(read(slices)).toBe('10.0.0.1:80 10.0.0.2:80 10.0.0.3:80');
  });

  it.each([
    ['kubernetes.io/h2c', 'h2c'],
    ['https', 'https'],
    ['kubernetes.io/wss', 'https'],
    ['kubernetes.io/ws', undefined],
    ['example.com/other', undefined],
    [null, undefined],
  ])('takes appProtocol %s for %s', (appProtocol, protocol) => {
    const one = readSlice(slice('a', ['10.0.0.1'], { ports: [{ ...http, appProtocol }] }), new Strings())!;
    const place = { zone: undefined, node: undefined };
    const found = new ServiceEndpoints({ name: 'x', port: undefined, place, family: 4 }).of(new Map([['a', one]]));
    expect('endpoints' in found && found.endpoints[0]!.protocol).toBe(protocol);
  });

  it('says which ports there are, and what a number means', () => {
    const one = readSlice(slice('a', ['10.0.0.1'], { ports: [http, admin] }), new Strings())!;
    const place = { zone: undefined, node: undefined };
    const found = new ServiceEndpoints({ name: 'shop/orders', port: 443, place, family: 4 }).of(new Map([['a', one]]));
    expect('none' in found && found.none.message).toBe(
      "shop/orders has no port 443: its pods have http (80), admin (9000); a number is the one the pods listen on, not the Service's",
    );
  });
});
