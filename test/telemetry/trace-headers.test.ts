import fc from 'fast-check';
import { expect, test } from 'vitest';
import { traceHeadersOf, trimBaggage, trimTracestate } from '../../src/telemetry/trace-headers.ts';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const tracestate = 'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7';
const baggage = 'user=alice;secret=no, tenant=7';

test('a well formed trace travels on unchanged, from all the headers of a request', () => {
  expect(traceHeadersOf({ host: 'a', traceparent, tracestate, baggage, cookie: 'x=1' })).toEqual({
    traceparent,
    tracestate,
    baggage,
  });
});

test('headers that came in several lines are joined, but for traceparent, of which there can be one', () => {
  expect(traceHeadersOf({ traceparent: [traceparent], tracestate: ['a=1', 'b=2'], baggage: ['c=3', 'd=4'] })).toEqual({
    traceparent,
    tracestate: 'a=1,b=2',
    baggage: 'c=3,d=4',
  });
  expect(traceHeadersOf({ traceparent: [traceparent, traceparent], tracestate })).toEqual({});
});

test.each([
  `${traceparent}, ${traceparent}`,
  '',
  '00',
  traceparent.toUpperCase(),
  `ff${traceparent.slice(2)}`,
  `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
  `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`,
  `${traceparent}-more`,
  `${traceparent}\r\nx-evil: 1`,
  `${traceparent}\n`,
  `01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-${'x'.repeat(10_000)}`,
])('the traceparent %j is left out, with its tracestate', (malformed) => {
  expect(traceHeadersOf({ traceparent: malformed, tracestate, baggage })).toEqual({ baggage });
});

test('a version to come may say more', () => {
  const later = `01${traceparent.slice(2)}-more`;
  expect(traceHeadersOf({ traceparent: later })).toEqual({ traceparent: later });
});

test.each(['a=1\r\nx: y', 'a=\u0000', 'a=é', 'x'.repeat(70_000)])('baggage with %j is left out', (value) => {
  expect(traceHeadersOf({ baggage: value })).toEqual({});
});

test('of too long a tracestate the long members go first, then those at the end', () => {
  const long = `long=${'x'.repeat(200)}`;
  const short = Array.from({ length: 40 }, (_, index) => `m${index}=1`);
  expect(trimTracestate([short[0], long, short[1], `other=${'y'.repeat(400)}`].join(','))).toBe('m0=1,m1=1');
  expect(trimTracestate(short.join(','))).toBe(short.slice(0, 32).join(','));
});

test('of too much baggage the first entries are kept', () => {
  const entries = Array.from({ length: 70 }, (_, index) => `key${index}=value`);
  expect(trimBaggage(entries.join(', '))).toBe(entries.slice(0, 64).join(','));
  expect(trimBaggage(`a=1,b=${'x'.repeat(9_000)},c=2`)).toBe('a=1');
});

test.each([
  ['tracestate', trimTracestate, 512, 32],
  ['baggage', trimBaggage, 8_192, 64],
] as const)('%s never passes the limits of W3C and is never cut within a member', (_, trim, bytes, members) => {
  const member = fc.stringMatching(/^[a-z]{1,20}=[a-z]{0,300}$/);
  fc.assert(
    fc.property(fc.array(member, { maxLength: 100 }), fc.constantFrom(',', ', '), (list, comma) => {
      const trimmed = trim(list.join(comma));
      const kept = trimmed === '' ? [] : trimmed.split(',').map((item) => item.trim());
      expect(trimmed.length).toBeLessThanOrEqual(bytes);
      expect(kept.length).toBeLessThanOrEqual(members);
      expect(kept).toEqual(list.filter((item) => kept.includes(item)).slice(0, kept.length));
    }),
  );
});

test.each([
  ['tracestate', trimTracestate, 512, 32],
  ['baggage', trimBaggage, 8_192, 64],
] as const)('%s within the limits of W3C is not touched, not even its spaces', (_, trim, bytes, members) => {
  const member = fc.stringMatching(/^[a-z]{1,20}=[a-z]{0,100} ?;?$/);
  fc.assert(
    fc.property(fc.array(member, { maxLength: members }), (list) => {
      fc.pre(list.join(' , ').length <= bytes);
      expect(trim(list.join(' , '))).toBe(list.join(' , '));
    }),
  );
});
