/**
 * A retry is safe or it is not, before it is useful. It is safe when nothing was sent, whatever the request; or when the
 * request may be sent twice (an idempotent method, an `idempotency-key`) and its body can be. It is useful when the
 * failure may be one endpoint's: a broken connection, a timeout, 429, 502, 503, 504. It is affordable when the
 * service's budget says so, and in time when the back-off ends before the deadline. All four, or the failure is the answer.
 *
 * Each retry avoids the endpoints tried before, after a wait drawn from the whole of [0, bound) (full jitter). And one
 * tier retries, not each of three: what a tier tried in vain it passes on with `x-mesh-retry: never` (Kitex's chain stop).
 *
 * p-retry owns the loop, entered at the first failure, since a call that succeeds needs no loop. Its own timers and
 * jitter are not used: back-off runs on the mesh's clock. undici's RetryAgent was no choice: it has no budget,
 * retries on the same endpoint, and resumes bodies in the middle with whatever another replica sends.
 *
 * @module
 */
export { asksForRetry } from './classify.ts';
export type { BackoffOptions, BackoffSettings, RetryOptions, RetrySettings } from './options.ts';
export { ReplayableBody } from './replay.ts';
export { retryLayer } from './retry.ts';
