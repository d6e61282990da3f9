import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type RequestHeaders, withHeaders } from '../../src/telemetry/index.ts';

const changes = { 'x-mesh-attempt': '1', traceparent: 'ours', 'x-mesh-timeout-ms': undefined };
const ours = { 'x-mesh-attempt': '1', traceparent: 'ours' };

test.each([undefined, null, {}])('without headers (%o) there are ours alone', (headers) => {
  expect(withHeaders(headers, changes)).toEqual(ours);
});

test('of a plain object ours replace all of the same name in whatever case, and the rest keeps its order', () => {
  const given = {
    Accept: '*/*',
    TraceParent: 'theirs',
    'X-Mesh-Timeout-Ms': '9',
    cookie: ['a=1', 'b=2'],
    traceparent: 'theirs too',
  };
  const before = structuredClone(given);
  const result = withHeaders(given, changes);
  expect(sent(result)).toEqual(Object.entries({ Accept: '*/*', cookie: ['a=1', 'b=2'], ...ours }));
  expect(given).toEqual(before);
});

/** undici sends no header whose value is undefined. */
function sent(headers: object): [string, unknown][] {
  return Object.entries(headers).filter(([, value]) => value !== undefined);
}

const flat = ['b', '1', 'Traceparent', 'theirs', 'a', '2', 'b', '3', 'x-mesh-timeout-ms', '9'];
const flattened = ['b', '1', 'a', '2', 'b', '3', 'x-mesh-attempt', '1', 'traceparent', 'ours'];
const pairs: [string, string][] = [
  ['b', '1'],
  ['Traceparent', 'theirs'],
  ['a', '2'],
  ['b', '3'],
  ['x-mesh-timeout-ms', '9'],
];

test('of a flat array duplicates and order stay', () => {
  expect(withHeaders(flat, changes)).toEqual(flattened);
  expect(withHeaders([], changes)).toEqual(flattened.slice(6));
});

test('of an array of pairs and of anything that yields pairs likewise', () => {
  expect(withHeaders(pairs, changes)).toEqual(flattened);
  expect(
    withHeaders(
      (function* () {
        yield* pairs;
      })() as unknown as RequestHeaders,
      changes,
    ),
  ).toEqual(flattened);
  expect(
    withHeaders(
      new Map([
        ['a', '1'],
        ['TRACEPARENT', 'x'],
      ]),
      changes,
    ),
  ).toEqual(['a', '1', ...flattened.slice(6)]);
  const headers = new Headers([
    ['b', '1'],
    ['traceparent', 'x'],
    ['set-cookie', 'c=1'],
    ['set-cookie', 'd=2'],
  ]);
  expect(withHeaders(headers, changes)).toEqual([
    'b',
    '1',
    'set-cookie',
    'c=1',
    'set-cookie',
    'd=2',
    ...flattened.slice(6),
  ]);
});

test('names that every object inherits are names like others', () => {
  const given = { constructor: '1', tostring: '2', valueof: '3' } as unknown as Record<string, string>;
  expect(withHeaders(given, changes)).toEqual({ ...given, ...ours });
});

test('in every form each of our names comes exactly once, and nothing else is lost', () => {
  const name = fc.oneof(
    fc.constantFrom('traceparent', 'TRACEPARENT', 'Traceparent', 'X-Mesh-Attempt', 'x-mesh-timeout-ms'),
    fc.stringMatching(/^[A-Za-z-]{1,12}$/),
  );
  const list = fc.array(fc.tuple(name, fc.string()), { maxLength: 12 });
  fc.assert(
    fc.property(list, fc.constantFrom('pairs', 'flat', 'object', 'map'), (given, form) => {
      const headers =
        form === 'pairs'
          ? given
          : form === 'flat'
            ? given.flat()
            : form === 'map'
              ? new Map(given)
              : Object.fromEntries(given);
      const entries = headers instanceof Map || form === 'object' ? Object.entries(Object.fromEntries(given)) : given;
      const result = withHeaders(headers, changes);
      const out = Array.isArray(result)
        ? result.flatMap((_, i) => (i % 2 === 0 ? [[result[i], result[i + 1]]] : []))
        : sent(result);
      const others = entries.filter(([key]) => !Object.hasOwn(changes, key.toLowerCase()));
      const lines = (list: unknown[][]): string[] => list.map((pair) => pair.join(': ')).toSorted();
      expect(lines(out)).toEqual(lines([...others, ...Object.entries(ours)]));
    }),
  );
});
