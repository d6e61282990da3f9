import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { context, outgoingHeaders, propagationLayer } from '../../src/telemetry/index.ts';
import { fakeCall, FakeExchange } from '../kit/fakes.ts';
import { valuesOf, Wire } from './wire.ts';

// Without an OpenTelemetry SDK. With one: otel.test.ts, in a process of its own.

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const other = '00-11111111111111111111111111111111-2222222222222222-00';
const inbound = { traceparent, tracestate: 'congo=t61rcWkgMzE', baggage: 'user=alice;secret=no, tenant=7' };

let wire: Wire;
beforeAll(async () => void (wire = await Wire.open()));
afterAll(() => wire[Symbol.asyncDispose]());

test('every attempt says which it is, how dearly it is wanted, and what is left of its deadline in whole milliseconds', () => {
  const call = fakeCall({ begun: 1_000, deadline: 1_500.9, attempt: 2, criticality: 'sheddable' });
  expect(outgoingHeaders(call, 'auto')).toEqual({
    'x-mesh-timeout-ms': '500',
    'x-mesh-attempt': '2',
    'x-mesh-criticality': 'sheddable',
  });
  expect(outgoingHeaders({ ...call, begun: 1_100 }, 'auto')).toMatchObject({ 'x-mesh-timeout-ms': '400' });
  expect(outgoingHeaders({ ...call, begun: 11_100 }, 'auto'), 'never 0: that could be read as none').toMatchObject({
    'x-mesh-timeout-ms': '1',
  });
});

test('mesh headers that the caller copied from elsewhere do not travel on, though there be nothing to replace them', async () => {
  const stale = { 'X-Mesh-Timeout-Ms': '1', 'x-mesh-attempt': '7', 'x-mesh-criticality': 'critical', accept: 'a/b' };
  const head = await wire.send({ headers: stale });
  expect(valuesOf(head, 'x-mesh-timeout-ms')).toEqual([]);
  expect(valuesOf(head, 'x-mesh-attempt')).toEqual(['0']);
  expect(valuesOf(head, 'x-mesh-criticality')).toEqual([]);
  expect(valuesOf(head, 'accept')).toEqual(['a/b']);
});

test('an inbound trace travels on unchanged where no SDK is registered', async () => {
  const head = await context.run({ headers: inbound }, () => wire.send());
  for (const [name, value] of Object.entries(inbound)) expect(valuesOf(head, name)).toEqual([value]);
});

test('without an inbound trace none is made up', async () => {
  const head = await wire.send();
  for (const name of Object.keys(inbound)) expect(valuesOf(head, name)).toEqual([]);
});

test.each([
  ['an object', { Traceparent: other, TraceState: 'a=1' }],
  ['a flat array', ['Traceparent', other, 'TraceState', 'a=1']],
  ['Headers', new Headers({ traceparent: other, tracestate: 'a=1' })],
])('a trace that the caller set in %s goes before the inbound one, whole', async (_, headers) => {
  const head = await context.run({ headers: inbound }, () => wire.send({ headers }));
  expect(valuesOf(head, 'traceparent')).toEqual([other]);
  expect(valuesOf(head, 'tracestate')).toEqual(['a=1']);
  expect(valuesOf(head, 'baggage')).toEqual([inbound.baggage]);
});

test('with propagation off nothing of a trace is written', async () => {
  const head = await context.run({ headers: inbound }, () =>
    wire.send({ propagation: 'off', headers: { baggage: 'own=1' } }),
  );
  expect(valuesOf(head, 'traceparent')).toEqual([]);
  expect(valuesOf(head, 'baggage')).toEqual(['own=1']);
  expect(valuesOf(head, 'x-mesh-attempt')).toEqual(['0']);
});

test('somebody else who listens to undici changes nothing', async () => {
  const listener = (): void => {};
  subscribe('undici:request:create', listener);
  const head = await context.run({ headers: inbound }, () => wire.send());
  unsubscribe('undici:request:create', listener);
  expect(valuesOf(head, 'traceparent')).toEqual([traceparent]);
});

test('the layer passes on what comes back and leaves the call it was given alone', async () => {
  const exchange = new FakeExchange();
  const answer = Promise.resolve(exchange);
  const layer = propagationLayer({ propagation: 'auto' });
  const headers = Object.freeze({ accept: '*/*' });
  const call = fakeCall({ request: Object.freeze({ path: '/', method: 'GET', headers }) });
  expect(layer(() => answer)(call), 'the very promise, for the layer only prepares').toBe(answer);
});
