/**
 * Two clocks run on a call. The deadline is an instant and belongs to the caller: it covers everything down to the last
 * byte of the body, is handed on to the services beneath as what remains of it, and only ever gets sooner (gRPC's and
 * Finagle's deadline). The attempt timeout is a duration and belongs to one attempt: it bounds what a black hole
 * costs, so that a retry elsewhere still has time.
 *
 * A passed deadline is nobody's fault: the caller may have had 3 ms left. An attempt timeout is the endpoint's, unless our
 * own process stood still meanwhile; Envoy, with an event loop that never runs user code, need not ask, we must.
 *
 * Both wait in the mesh's timer wheel. undici's own timers fire up to a second late, and an `AbortSignal.timeout` for
 * each call costs as much as half the call.
 *
 * @module
 */
export { attemptTimeoutLayer, type AttemptTimeoutSettings } from './attempt-timeout.ts';
export { deadlineLayer, type DeadlineSettings } from './deadline.ts';
