/**
 * What travels with the work: deadline, criticality and trace, in from the context that is open and out on every attempt.
 *
 * In a process the context is an `AsyncLocalStorage`, so that no function has to pass it on. Until the first
 * `context.run` there is none, because merely using one makes promises slower on Node 22. Between processes it is
 * headers: the deadline as what remains, in ms, for the clocks of two machines differ (as gRPC and Envoy do; Finagle's
 * absolute timestamp needs them equal).
 *
 * Trace context is OpenTelemetry's business and goes through `@opentelemetry/api`, with two additions. The api alone
 * propagates nothing, so where no SDK is registered an inbound trace travels on unchanged, rather than be cut in two by
 * a process that does not trace. And there is exactly one `traceparent`, also where the undici instrumentation is loaded.
 */
export { context, type Context, type ContextOptions, type ContextState, deadlineOn } from './context.ts';
export type { InboundHeaders, TraceHeaders } from './trace-headers.ts';
export { outgoingHeaders, propagationLayer, type PropagationOptions } from './propagation.ts';
export { hasHeader, type HeaderChanges, type RequestHeaders, withHeaders } from './headers.ts';
