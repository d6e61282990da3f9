/**
 * # Breaker
 *
 * When a service fails as a whole (its database is gone, a deploy broke it), every call that is still sent costs the
 * caller a wait and the service a push further down. A breaker notices and refuses at once, until one call that is let
 * through shows that the service is back. One bad endpoint is not its business: that is ejected (`health/`), and
 * retries hide it, for the breaker stands outside of the retries and sees only what they could not mend.
 *
 * The state machine is opossum's; it decides when to open and to close. It is not asked per call, though: while closed,
 * a call costs a look at its state and a count in a sliding window; only failures and probes go through `fire()`.
 * What opossum leaves open is closed here, each with a test:
 *
 * - a probe that says nothing of the service (its caller gave up) would close it: here the next call probes;
 * - calls from before it opened would close or re-open it: here each phase has a number, and old numbers are not heard;
 * - a probe that hangs would leave it half-open for ever: here it ends with its call's deadline, `openCap` at most;
 * - calls in flight and refused calls would thin out the error rate: here only what has ended counts;
 * - its window outlives the closing, so one failure would open it again: here it starts afresh;
 * - its time open is fixed: here it doubles from `open` to `openCap` until the service has been well for a `window`,
 *   and each time is cut by up to half at random, so that many clients do not come back at once.
 *
 * The price: the verdict is the head's. A service whose bodies break off is caught per endpoint, not here.
 *
 * @module
 */
export {
  Breaker,
  createBreaker,
  type BreakerPass,
  type BreakerSnapshot,
  type BreakerState,
  type Verdict,
} from './breaker.ts';
export { breakerLayer } from './layer.ts';
export type { BreakerOptions, BreakerSettings } from './options.ts';
