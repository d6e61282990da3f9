import assert from 'node:assert/strict';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { meshErrorOf } from '../../src/core/errors.ts';
import { createMesh } from '../../src/discovery/create.ts';
import { type MeshOptions, parseOptions } from '../../src/mesh/options/index.ts';
import { ScriptedEndpoint } from '../../src/testing/index.ts';

const EVIL = ['__proto__', 'constructor', 'prototype'] as const;

/** A configuration with an object at every place where one may stand, as it comes out of a file. */
const complete = (): Record<string, unknown> => ({
  services: {
    orders: {
      target: 'dns://orders:80',
      retry: { max: 1, budget: { ratio: 0.2, floorPerSecond: 1, window: 1_000 }, backoff: { base: 1, cap: 2 } },
      breaker: { errorRate: 0.5, volume: 20, window: 10_000, open: 1, openCap: 2 },
      outlier: { consecutive: 5, successRate: 0.8, window: 10_000, volume: 20, ejection: 1, ejectionCap: 2 },
      limits: { perEndpoint: 1, perService: 2, queue: 3, queueTimeout: 4 },
      tls: { servername: 'orders.example', minVersion: 'TLSv1.3' },
      deadline: 10_000,
      attemptTimeout: 3_000,
      connectTimeout: 1_000,
      panic: 0.5,
    },
    users: { target: [{ address: '10.0.0.1:80', weight: 1, priority: 0, metadata: { version: '2' } }] },
  },
  defaults: { retry: { budget: {}, backoff: {} }, breaker: {}, outlier: {}, limits: {}, tls: {} },
});

type Path = readonly (string | number)[];

function at(value: unknown, path: Path): unknown {
  return path.reduce((inner, key) => (inner as Record<string | number, unknown>)[key], value);
}

/** The paths of everything in `value` that passes `which`. */
function pathsOf(value: unknown, which: (value: unknown) => boolean, path: Path = []): Path[] {
  const below =
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, inner]) =>
          pathsOf(inner, which, [...path, Array.isArray(value) ? Number(key) : key]),
        )
      : [];
  return which(value) ? [path, ...below] : below;
}

/** `complete()` with one more key, an own one even if it is called `__proto__`, as JSON.parse makes it. */
function withKey(path: Path, key: string, value: unknown): unknown {
  const config = complete();
  Object.defineProperty(at(config, path), key, { value, enumerable: true, configurable: true, writable: true });
  return config;
}

function withValue(path: Path, value: unknown): unknown {
  return withKey(path.slice(0, -1), String(path.at(-1)), value);
}

function rejection(config: unknown): string {
  try {
    parseOptions(config);
  } catch (error) {
    const { code, message } = meshErrorOf(error) ?? {};
    if (code !== 'INMESH_CONFIG') throw error;
    return message!;
  }
  return '';
}

let before: readonly PropertyKey[];
beforeEach(() => void (before = Reflect.ownKeys(Object.prototype)));
afterEach(() => {
  assert.deepEqual(Reflect.ownKeys(Object.prototype), before);
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  assert.equal(Object.getPrototypeOf(Object.prototype), null);
});

describe('60 malicious-config', () => {
  test('what the cases are made from is itself accepted', () => {
    expect(parseOptions(complete()).services.size).toBe(2);
  });

  const objects = pathsOf(complete(), (value) => typeof value === 'object' && !Array.isArray(value));

  test.each(EVIL)('%s is refused at every depth, by its place, and reaches no prototype', (key) => {
    expect(objects.length).toBeGreaterThan(18);
    for (const path of objects) {
      for (const payload of [{ polluted: 1 }, null, 'x', { toString: 1 }, { polluted: { polluted: 1 } }]) {
        const message = rejection(JSON.parse(JSON.stringify(withKey(path, key, payload))));
        expect(message, `${path.join('.')}`).toMatch(
          new RegExp(`${path.at(-1) ?? ''}\\]?\\.?${key}: not allowed as a key`),
        );
      }
    }
  });

  test('an object that came with a prototype of its own is refused', () => {
    for (const path of objects) {
      const poisoned = Object.assign(
        Object.create({ polluted: 1, target: 'dns://evil:80' }) as object,
        at(complete(), path),
      );
      const config = path.length === 0 ? poisoned : withValue(path, poisoned);
      expect(rejection(config), `${path.join('.')}`).toContain('expected a plain object');
    }
  });

  test('no JSON at all gets further than a settled configuration or one INMESH_CONFIG', () => {
    const known = [
      'services',
      'defaults',
      'orders',
      'target',
      'retry',
      'budget',
      'tls',
      'limits',
      'deadline',
      'metadata',
    ];
    const key = fc.constantFrom(...EVIL, ...known);
    const leaf = fc.oneof(
      fc.constantFrom<unknown>('dns://orders:80', '1s', false, 1, null, '', -1, 1e308, '__proto__'),
      fc.string(),
    );
    const { tree } = fc.letrec<{ tree: unknown; node: unknown }>((tie) => ({
      tree: fc.oneof({ depthSize: 'medium', withCrossShrink: true }, leaf, tie('node')),
      node: fc.oneof(
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.array(fc.tuple(key, tie('tree')), { maxLength: 5 }).map(entries),
      ),
    }));
    fc.assert(
      fc.property(fc.array(fc.tuple(key, tree), { maxLength: 5 }).map(entries), (config) => {
        const text = JSON.stringify(config);
        const message = rejection(JSON.parse(text));
        const evil = EVIL.some((name) => text.includes(`"${name}":`));
        expect(message !== '' || !evil).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('in the place of any number: negative, NaN, endless or of another type is refused by name', () => {
    const numbers = pathsOf(complete(), (value) => typeof value === 'number');
    expect(numbers.length).toBeGreaterThan(20);
    for (const path of numbers) {
      for (const value of [-1, NaN, Infinity, -Infinity, '1e3', '-1s', 1n, true, null, {}, [], () => 1, Symbol('s')]) {
        expect(rejection(withValue(path, value)), `${path.join('.')}`).toContain(`${path.at(-1)}: `);
      }
    }
  });

  test('a megabyte in the place of any text, or as a name, is refused in a short message without delay', () => {
    const megabyte = 'x'.repeat(2 ** 20);
    for (const path of pathsOf(complete(), (value) => typeof value === 'string')) {
      if (path.includes('metadata')) continue;
      expect(rejection(withValue(path, megabyte)).length, `${path.join('.')}`).toBeLessThan(1_000);
      expect(rejection(withValue(path, megabyte))).not.toBe('');
    }
    for (const path of objects.filter((place) => !place.includes('metadata'))) {
      expect(rejection(withKey(path, megabyte, 1)).length, `${path.join('.')}`).toBeLessThan(1_000);
      expect(rejection(withKey(path, megabyte, 1))).not.toBe('');
    }
  });

  test('a pattern that would take for ever is only a wrong text', () => {
    const evil = `${'a'.repeat(50_000)}!`;
    for (const target of [
      `dns://${evil}`,
      `static://${'10.0.0.1:80,'.repeat(100_000)}`,
      `srv://${'a.'.repeat(40_000)}`,
    ]) {
      expect(rejection({ services: { orders: { target } } })).toContain('services.orders.target: ');
    }
    expect(rejection({ services: { [`${'a-'.repeat(100_000)}!`]: 'dns://a:80' } })).toContain('not a service name');
    expect(rejection({ services: { orders: { target: 'dns://a:80', deadline: `${'1'.repeat(100_000)}x` } } })).not.toBe(
      '',
    );
  });

  test('nested deeper than any stack, or wider than any screen, it is refused like the rest', () => {
    const deep = JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`) as unknown;
    for (const path of objects.slice(1)) expect(rejection(withValue(path, deep)), `${path.join('.')}`).not.toBe('');
    const wide = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`s${index}`, { retry: -1, x: 1 }]));
    const message = rejection({ services: wide });
    expect(message).toMatch(/150000 problems:.*and 149900 more$/s);
    expect(message.length).toBeLessThan(20_000);
  });

  test('a mesh at work refuses it whole and goes on with what it had', async () => {
    const endpoint = await ScriptedEndpoint.start();
    endpoint.respond(200, 'ok');
    const target = `static://${endpoint.address}`;
    const mesh = createMesh({ services: { orders: target } });
    const before = mesh.snapshot();
    const evil = [
      JSON.parse(`{ "services": { "orders": "${target}", "users": { "target": "${target}", "__proto__": {} } } }`),
      { services: { orders: { target, retry: { max: NaN } } } },
      { services: { orders: { target, deadline: -1 }, users: target } },
      { services: { orders: { target: 'x'.repeat(2 ** 20) } } },
      undefined,
    ] as MeshOptions[];
    for (const options of evil) {
      await expect(mesh.update(options)).rejects.toMatchObject({ code: 'INMESH_CONFIG' });
      expect(Object.keys(mesh.snapshot().services)).toEqual(Object.keys(before.services));
      expect(await (await mesh.fetch('http://orders/')).text()).toBe('ok');
    }
    for (const options of evil) expect(() => createMesh(options)).toThrow(/options are invalid/);
    await mesh.close();
    await endpoint.close();
  });

  test('text that could draw over a terminal or a log is escaped', () => {
    const hostile = '\u001b[2J\r\n\u2028INFO all is well\u0000';
    const message = rejection({
      [hostile]: 1,
      services: { [hostile]: 'dns://a:80', orders: { target: hostile, protocol: hostile, tls: { ca: hostile } } },
    });
    expect(message.replaceAll('\n  ', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });
});

function entries(list: [string, unknown][]): object {
  const result = {};
  for (const [key, value] of list) Object.defineProperty(result, key, { value, enumerable: true, configurable: true });
  return result;
}
