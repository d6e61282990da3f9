import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, expectTypeOf, test } from 'vitest';
import { meshErrorOf } from '../../src/core/errors.ts';
import { silentLogger } from '../../src/core/log.ts';
import { seededRandom } from '../../src/core/random.ts';
import {
  type MeshOptions,
  type MeshSettings,
  parseOptions,
  SERVICE_DEFAULTS,
  type ServiceSettings,
} from '../../src/mesh/options/index.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

/** What the error says, without the opening line. */
function problemsOf(input: unknown): string[] {
  try {
    parseOptions(input);
    return [];
  } catch (error) {
    const { code, message } = meshErrorOf(error)!;
    if (code !== 'INMESH_CONFIG') throw error;
    const single = 'The options are invalid. ';
    return message.startsWith(single) ? [message.slice(single.length)] : message.split('\n  ').slice(1);
  }
}

const orders = (fields: object = {}): object => ({ services: { orders: { target: 'dns://orders:80', ...fields } } });
const settingsOf = (fields: object = {}, mesh: object = {}): ServiceSettings =>
  parseOptions({ ...orders(fields), ...mesh }).services.get('orders')!;

test('a string is shorthand for a target, and everything else gets its documented default', () => {
  const { services, unknownService, propagation, warnings } = parseOptions({ services: { orders: 'dns://orders:80' } });
  expect(Object.fromEntries(services)).toEqual({
    orders: {
      name: 'orders',
      target: 'dns://orders:80',
      protocol: 'http',
      protocolOpen: true,
      balancer: 'p2c-peak-ewma',
      deadline: 10_000,
      attemptTimeout: 3_000,
      connectTimeout: 1_000,
      retry: {
        max: 2,
        budget: { ratio: 0.2, floorPerSecond: 1, window: 10_000 },
        backoff: { base: 25, cap: 1_000 },
        replayLimit: 65_536,
      },
      breaker: { errorRate: 0.5, volume: 20, window: 10_000, open: 5_000, openCap: 60_000 },
      outlier: {
        consecutive: 5,
        successRate: 0.8,
        window: 10_000,
        volume: 20,
        ejection: 5_000,
        ejectionCap: 300_000,
        maxEjected: 0.5,
      },
      panic: 0.5,
      limits: { perEndpoint: 1_024, perService: 4_096, queue: 256, queueTimeout: 1_000 },
    },
  });
  expect({ unknownService, propagation, warnings }).toEqual({
    unknownService: undefined,
    propagation: 'auto',
    warnings: [],
  });
});

test('every field that the types offer is accepted', () => {
  const options = {
    services: {
      orders: {
        target: ['dns://orders:80', 'static://10.0.0.1:80'],
        protocol: 'https',
        balancer: 'round-robin',
        deadline: 5_000,
        attemptTimeout: '1.5s',
        connectTimeout: '250ms',
        retry: {
          max: 0,
          budget: { ratio: 0, floorPerSecond: 0, window: '1m' },
          backoff: { base: 1, cap: '2s' },
          replayLimit: 0,
        },
        breaker: { errorRate: 1, volume: 1, window: '1s', open: '1s', openCap: '1h' },
        outlier: {
          consecutive: 1,
          successRate: 0,
          window: '1s',
          volume: 1,
          ejection: '1s',
          ejectionCap: '1s',
          maxEjected: 1,
        },
        panic: 0,
        limits: { perEndpoint: 1, perService: 1, queue: 0, queueTimeout: 1 },
        tls: { minVersion: 'TLSv1.3', servername: 'orders.example', checkServerIdentity: () => undefined },
      },
      users: {
        target: [{ address: '10.0.0.1:80', weight: 0, zone: 'a', priority: 1, metadata: { version: '2' } }],
        retry: false,
        breaker: false,
        outlier: false,
      },
    },
    defaults: { panic: 1 },
    unknownService: 'passthrough',
    propagation: 'off',
    clock: new ManualClock(),
    random: seededRandom(1),
    log: silentLogger,
  } as const satisfies MeshOptions;
  expectTypeOf(options).toExtend<MeshOptions>();
  const settings: MeshSettings = parseOptions(options);
  expect(settings.services.get('orders')).toMatchObject({ attemptTimeout: 1_500, breaker: { openCap: 3_600_000 } });
  expect(settings.services.get('users')).toMatchObject({ retry: false, breaker: false, outlier: false, panic: 1 });
  expect(settings.env).toEqual({ clock: options.clock, random: options.random, log: options.log });
  expect(settings.unknownService).toBe('passthrough');
});

test('a service stands over the defaults of the mesh, field by field', () => {
  const settings = settingsOf(
    { retry: { backoff: { base: '50ms' } }, breaker: { volume: 5 }, outlier: false, deadline: undefined },
    {
      defaults: {
        deadline: '2s',
        attemptTimeout: '1s',
        retry: { max: 1, backoff: { cap: '2s' } },
        breaker: false,
        outlier: { consecutive: 9 },
        limits: { queue: 1 },
      },
    },
  );
  expect(settings.retry).toEqual({ ...SERVICE_DEFAULTS.retry, max: 1, backoff: { base: 50, cap: 2_000 } });
  expect(settings.breaker, 'off for all, described for this one').toEqual({ ...SERVICE_DEFAULTS.breaker, volume: 5 });
  expect(settings.outlier).toBe(false);
  expect(settings.deadline).toBe(2_000);
  expect(settings.limits).toEqual({ ...SERVICE_DEFAULTS.limits, queue: 1 });
});

test('one error lists every problem with its place, what was got and what is allowed', () => {
  const problems = problemsOf({
    services: {
      orders: { target: 'dns://orders:80', retyr: {}, retry: { max: -1, bugdet: {} }, deadline: '5 seconds' },
      users: { balancer: 'fastest' },
      'a/b': 'dns://a:80',
    },
    default: {},
  });
  expect(problems.toSorted()).toEqual([
    'default: unknown key; did you mean defaults?',
    "services.orders.deadline: got \"5 seconds\"; expected milliseconds or '250ms', '2s', '1m', '1h', above 0 and at most a year",
    'services.orders.retry.bugdet: unknown key; did you mean budget?',
    'services.orders.retry.max: got -1; expected a whole number, 0 to 10',
    'services.orders.retyr: unknown key; did you mean retry?',
    "services.users.balancer: got \"fastest\"; expected 'p2c-peak-ewma' or 'p2c-least-request' or 'least-request' or 'round-robin' or 'random'",
    'services.users.target: missing',
    'services["a/b"]: not a service name: a-z, 0-9, "." and "-", beginning and ending with a letter or digit, at most 253 characters',
  ]);
});

test('an unknown key that is near none is told of the known ones', () => {
  expect(problemsOf({ ...orders({ tls: { passphrase: 'x' } }) })).toEqual([
    'services.orders.tls.passphrase: unknown key; known are ca, cert, key, minVersion, servername, checkServerIdentity',
  ]);
});

test.each([
  ['deadline', 0],
  ['deadline', -1],
  ['deadline', NaN],
  ['deadline', Infinity],
  ['deadline', '10'],
  ['deadline', '10m30s'],
  ['deadline', `${'9'.repeat(400)}h`],
  ['deadline', null],
  ['deadline', 10n],
  ['connectTimeout', 0],
  ['attemptTimeout', '0ms'],
  ['panic', 1.01],
  ['panic', -0.1],
  ['panic', '0.5'],
  ['retry', true],
  ['retry', null],
  ['retry', []],
  ['retry', { max: 1.5 }],
  ['retry', { max: 11 }],
  ['retry', { budget: { ratio: 20 } }],
  ['retry', { budget: false }],
  ['retry', { replayLimit: Infinity }],
  ['breaker', { errorRate: 0 }],
  ['breaker', { volume: 0 }],
  ['outlier', { maxEjected: NaN }],
  ['limits', false],
  ['limits', { perEndpoint: 0 }],
  ['limits', { queue: -1 }],
  ['protocol', 'HTTP'],
  ['balancer', 'auto'],
  ['tls', { minVersion: 'TLSv1.1' }],
  ['tls', { servername: '10.0.0.1' }],
  ['tls', { checkServerIdentity: true }],
  ['tls', { ca: '' }],
  ['target', ''],
  ['target', []],
  ['target', [' ']],
  ['target', [{}]],
  ['target', [{ address: '10.0.0.1' }]],
  ['target', [{ address: '10.0.0.1:80', weight: -1 }]],
  ['target', ['dns://a:80', { address: '10.0.0.1:80' }]],
  ['target', 'orders:8080'],
  ['target', 'https://orders:8080'],
  ['hedge', {}],
  ['mode', 'shadow'],
])('%s: %o is an error that names the field', (field, value) => {
  const problems = problemsOf(orders({ [field]: value }));
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(new RegExp(`^services\\.orders\\.${field}`));
});

test.each([
  [{ retry: { backoff: { base: '2s' } } }, 'services.orders.retry.backoff.base: 2s is above retry.backoff.cap, 1s'],
  [{ breaker: { open: '2m' } }, 'services.orders.breaker.open: 2m is above breaker.openCap, 1m'],
  [{ outlier: { ejection: '10m' } }, 'services.orders.outlier.ejection: 10m is above outlier.ejectionCap, 5m'],
  [
    { protocol: 'http', tls: {} },
    "services.orders.protocol: 'http' is plaintext though tls is given; say 'https', or leave tls out",
  ],
  [
    { protocol: 'h2c', tls: {} },
    "services.orders.protocol: 'h2c' is plaintext though tls is given; say 'h2', or leave tls out",
  ],
])('%o contradicts itself', (fields, problem) => {
  expect(problemsOf(orders(fields))).toEqual([problem]);
});

test.each([
  [{ attemptTimeout: '10s' }, /attemptTimeout: 10s is not below deadline, 10s/],
  [{ connectTimeout: '4s' }, /connectTimeout: 4s is above attemptTimeout, 3s/],
  [{ limits: { perService: 10 } }, /limits\.perEndpoint: 1024 is above perService, 10/],
])('%o is allowed with a warning', (fields, warning) => {
  const { warnings } = parseOptions(orders(fields));
  expect(warnings).toEqual([expect.stringMatching(warning)]);
});

test('a problem of the whole is told even when single fields are wrong elsewhere', () => {
  const problems = problemsOf({
    services: { a: { target: 'dns://a:80', panic: 2 }, b: { target: 'dns://b:80', breaker: { open: '2m' } } },
  });
  expect(problems.map((problem) => problem.slice(0, 15)).toSorted()).toEqual(['services.a.pani', 'services.b.brea']);
});

test('names are host names in any case; two that differ only in case are one too many', () => {
  expect([
    ...parseOptions({ services: { 'Orders.Internal': 'dns://a:80', '10.0.0.1': 'dns://a:80' } }).services.keys(),
  ]).toEqual(['orders.internal', '10.0.0.1']);
  expect(problemsOf({ services: { Orders: 'dns://a:80', orders: 'dns://a:80' } })).toEqual([
    'services.orders: given twice; case does not matter in names',
  ]);
});

test.each([
  '',
  '-a',
  'a-',
  '.a',
  'a.',
  'a..b',
  'a_b',
  'a b',
  'a/b',
  'a:80',
  'user@a',
  'ä',
  'a\r\nb',
  '10.1',
  '0x7f.1',
  'x'.repeat(254),
])('the service name %j is refused', (name) => {
  expect(problemsOf({ services: { [name]: 'dns://a:80' } })).toHaveLength(1);
});

test('tls makes https the protocol; without it nothing is encrypted unless it was said', () => {
  expect(settingsOf().protocol).toBe('http');
  expect(settingsOf({ tls: {} }).protocol).toBe('https');
  expect(settingsOf({}, { defaults: { tls: {} } }).protocol).toBe('https');
  expect(settingsOf({ protocol: 'h2' }).tls).toBeUndefined();
  expect(settingsOf({ tls: {} }).tls).toEqual({ minVersion: 'TLSv1.2' });
});

test('what is wrong with several hundred keys stays readable', () => {
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`key${index}`, 1]));
  const problems = problemsOf({ ...orders(), ...many });
  expect(problems).toHaveLength(101);
  expect(problems.at(-1)).toBe('and 4900 more');
});

test('a key without a name is one problem among others', () => {
  expect(problemsOf({ '': 1, services: { '': 'dns://a:80', orders: 'nowhere' } })).toHaveLength(3);
});

test('two places whose names look alike when cut are two', () => {
  const names = ['a', 'b'].map((end) => `${'x'.repeat(100)}${end}`);
  expect(problemsOf({ services: Object.fromEntries(names.map((name) => [name, 'nowhere'])) })).toHaveLength(2);
});

test('a resolver of one’s own is a target, alone or among others', () => {
  const resolver = { target: 'mine', watch: () => () => {} };
  expect(settingsOf({ target: resolver }).target).toBe(resolver);
  expect(settingsOf({ target: [resolver, 'dns://orders:80'] }).target).toEqual([resolver, 'dns://orders:80']);
});

test('what is wrong with a target is said as discovery says it', () => {
  expect(problemsOf({ services: { orders: 'orders:8080' } })[0]).toMatch(
    /^services\.orders: the target "orders:8080" has no scheme; write .*dns:\/\/orders:8080/,
  );
  expect(problemsOf(orders({ target: ['dns://a:80', 'k8s://shop/orders'] }))[0]).toMatch(
    /^services\.orders\.target\[1\]: .*unknown scheme k8s:\/\//,
  );
});

test('a huge string is told of by its beginning and length', () => {
  const [problem, ...others] = problemsOf(orders({ deadline: 'x'.repeat(2 ** 20), target: 'y'.repeat(2 ** 20) }));
  expect(others).toHaveLength(1);
  expect(problem!.length + others[0]!.length).toBeLessThan(600);
  expect(problem! + others[0]!).toContain('(1048576 characters)');
});

test('the input stays as it was', () => {
  const input = { ...orders({ retry: { max: 1 } }), defaults: { retry: { backoff: { cap: '2s' } } } };
  const before = structuredClone(input);
  parseOptions(input);
  expect(input).toEqual(before);
  expect(SERVICE_DEFAULTS.retry).toMatchObject({ max: 2, backoff: { cap: 1_000 } });
});

test('key material never shows in an error', () => {
  const secret = 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgVcB8UNl31Ds'.repeat(3);
  const folder = mkdtempSync(join(tmpdir(), 'inmesh-'));
  const file = join(folder, 'key.pem');
  writeFileSync(file, secret);
  for (const key of [
    secret,
    `${secret}\n${secret}`,
    `-----BEGIN PRIVATE KEY-----\n${secret}`,
    Buffer.from(secret),
    file,
  ]) {
    const problems = problemsOf(orders({ tls: { cert: '-----BEGIN CERTIFICATE-----\n', key } }));
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join()).not.toContain(secret.slice(0, 40));
  }
});
