import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { context as otel, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createMesh } from '../../src/discovery/create.ts';
import { context } from '../../src/telemetry/index.ts';
import { type Head, valuesOf, Wire } from './wire.ts';

const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
const instrumentation = new UndiciInstrumentation();
const tracer = trace.getTracer('test');
const other = '00-11111111111111111111111111111111-2222222222222222-00';

let wire: Wire;

beforeAll(async () => {
  otel.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  );
  wire = await Wire.open();
});

beforeEach(() => exporter.reset());
afterAll(() => wire[Symbol.asyncDispose]());

/** Sends from within a span; returns the head with the span's ids, as `traceparent` should carry them. */
async function sendInSpan(given: Parameters<Wire['send']>[0] = {}): Promise<{ head: Head; ours: string }> {
  return tracer.startActiveSpan('work', async (span) => {
    const { traceId, spanId } = span.spanContext();
    const head = await wire.send(given);
    span.end();
    return { head, ours: `00-${traceId}-${spanId}-01` };
  });
}

describe.each([false, true])('with an SDK, the undici instrumentation loaded: %s', (loaded) => {
  beforeAll(() => (loaded ? instrumentation.enable() : instrumentation.disable()));
  afterAll(() => instrumentation.disable());

  test('the active span is the parent, in exactly one traceparent', async () => {
    const { head, ours } = await sendInSpan();
    expect(valuesOf(head, 'traceparent')).toEqual([ours]);
  });

  test.each([
    ['an object', { TraceParent: other, tracestate: 'a=1', accept: '*/*' }],
    ['a flat array', ['TraceParent', other, 'accept', '*/*', 'tracestate', 'a=1']],
  ])('a traceparent that the caller set in %s is replaced, and its tracestate with it', async (_, headers) => {
    const { head, ours } = await sendInSpan({ headers });
    expect(valuesOf(head, 'traceparent')).toEqual([ours]);
    expect(valuesOf(head, 'tracestate')).toEqual([]);
    expect(valuesOf(head, 'accept')).toEqual(['*/*']);
  });

  test('outside of any span the traceparent that the caller set stays alone', async () => {
    const head = await wire.send({ headers: { traceparent: other } });
    expect(valuesOf(head, 'traceparent')).toEqual([other]);
  });

  test('with propagation off a traceparent that the caller set stays alone too', async () => {
    const { head } = await sendInSpan({ propagation: 'off', headers: { traceparent: other } });
    expect(valuesOf(head, 'traceparent')).toEqual([other]);
  });

  test('the inbound trace of the context is the SDK’s to continue, not ours', async () => {
    const headers = { traceparent: other, baggage: 'a=1' };
    const { head, ours } = await context.run({ headers }, () => sendInSpan());
    expect(valuesOf(head, 'traceparent')).toEqual([ours]);
    expect(valuesOf(head, 'baggage')).toEqual([]);
  });

  test('baggage comes along, once and within the limits of W3C', async () => {
    const entries = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`key${index}`, { value: 'v' }]));
    const active = propagation.setBaggage(otel.active(), propagation.createBaggage(entries));
    const { head } = await otel.with(active, () => sendInSpan());
    const [baggage, ...more] = valuesOf(head, 'baggage');
    expect(more).toEqual([]);
    expect(baggage!.split(',')).toHaveLength(64);
  });

  test('requests that wait in the pool for a connection keep their own span', async () => {
    const sent = await Promise.all(Array.from({ length: 8 }, () => sendInSpan()));
    for (const { head, ours } of sent) expect(valuesOf(head, 'traceparent')).toEqual([ours]);
    expect(new Set(sent.map(({ ours }) => ours)).size).toBe(8);
  });

  test('there is no second span for the request, and spans begun after it are recorded', async () => {
    await sendInSpan();
    tracer.startSpan('after').end();
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['work', 'after']);
  });
});

test('with propagation off and nothing set, the instrumentation does what it always does', async () => {
  instrumentation.enable();
  const { head } = await sendInSpan({ propagation: 'off' });
  instrumentation.disable();
  expect(valuesOf(head, 'traceparent')).toHaveLength(1);
  expect(
    exporter
      .getFinishedSpans()
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual(['GET', 'work']);
});

test('what a caller does in a body’s listener is traced, though the connection was made while tracing was suppressed', async () => {
  instrumentation.enable();
  const server = createServer((_, response) => {
    response.write('first');
    setTimeout(() => response.end('last'), 20);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const mesh = createMesh({ services: { orders: `static://127.0.0.1:${port}` } });
  await tracer.startActiveSpan('work', async (span) => {
    const { body } = await mesh.request({ origin: 'http://orders', path: '/', method: 'GET' });
    const ended = new Promise<void>((resolve) => body.on('end', resolve));
    body.on('data', () => tracer.startSpan('data').end()).on('end', () => tracer.startSpan('end').end());
    await ended;
    span.end();
  });
  await mesh.close();
  server.close();
  instrumentation.disable();
  expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['data', 'data', 'end', 'work']);
});
