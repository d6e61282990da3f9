import { channel } from 'node:diagnostics_channel';
import { context as otelContext, createContextKey, propagation as otelPropagation } from '@opentelemetry/api';
import type { Call } from '../model/call.ts';
import type { Layer } from '../model/service.ts';
import { context } from './context.ts';
import { hasHeader, withHeaders } from './headers.ts';
import { trimBaggage, trimTracestate } from './trace-headers.ts';

/** What `propagationLayer` takes. */
export interface PropagationOptions {
  /** Whether trace headers are written. The mesh's own, which endpoints need, are always. */
  readonly propagation: 'auto' | 'off';
}

/**
 * Writes each attempt's own headers: what is left of the deadline, the attempt's number, its criticality, and the trace.
 * Stands inside of `retry`, so that a second attempt says that it is one and how little time is left.
 */
export function propagationLayer({ propagation }: PropagationOptions): Layer {
  return (next) => (call) => {
    const changes = outgoingHeaders(call, propagation);
    const headers = withHeaders(call.request.headers, changes) as NonNullable<Call['request']['headers']>;
    const prepared: Call = { ...call, request: { ...call.request, headers } };
    return undiciRequests.hasSubscribers && hasHeader(headers, 'traceparent')
      ? otelContext.with(otelContext.active().setValue(SUPPRESS_TRACING, true), next, undefined, prepared)
      : next(prepared);
  };
}

/**
 * The headers of one attempt, to be set in place of what the caller gave under these names. A value of undefined takes
 * the caller's out: a stale `x-mesh-timeout-ms`, as a proxy copies it from its own request, must not travel on.
 */
export function outgoingHeaders(call: Call, propagation: 'auto' | 'off'): Record<string, string | undefined> {
  const headers: Record<string, string | undefined> = {
    'x-mesh-timeout-ms':
      call.deadline === Infinity ? undefined : String(Math.max(1, Math.floor(call.deadline - call.begun))),
    'x-mesh-attempt': String(call.attempt),
    'x-mesh-criticality': call.criticality === 'default' ? undefined : call.criticality,
  };
  if (propagation === 'auto') addTrace(headers, call);
  return headers;
}

/**
 * With a propagator registered: what it says of the active context. Without: the caller's own headers stay, and where
 * there are none the inbound trace travels on, unchanged.
 */
function addTrace(headers: Record<string, string | undefined>, call: Call): void {
  otelPropagation.inject(otelContext.active(), headers);
  const { traceparent, tracestate, baggage } = headers;
  if (tracestate !== undefined) headers['tracestate'] = trimTracestate(tracestate);
  // The caller's tracestate belongs to the caller's traceparent, which has just been replaced.
  else if (traceparent !== undefined) headers['tracestate'] = undefined;
  if (baggage !== undefined) headers['baggage'] = trimBaggage(baggage);
  const inbound = context.current()?.trace;
  if (inbound === undefined || otelPropagation.fields().length > 0) return;
  const given = call.request.headers;
  if (inbound.traceparent !== undefined && !hasHeader(given, 'traceparent')) {
    headers['traceparent'] = inbound.traceparent;
    headers['tracestate'] = inbound.tracestate;
  }
  if (inbound.baggage !== undefined && !hasHeader(given, 'baggage')) headers['baggage'] = inbound.baggage;
}

/**
 * `@opentelemetry/instrumentation-undici` listens here and appends a `traceparent` of its own to every request: a second
 * one, where there is one already, which servers reject as malformed (opentelemetry-js-contrib#3711). It, and every
 * other instrumentation, leaves a request alone that is made while tracing is suppressed. The key is the SDK's;
 * `createContextKey` is `Symbol.for`, so the api alone can set it.
 */
const undiciRequests = channel('undici:request:create');
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');
