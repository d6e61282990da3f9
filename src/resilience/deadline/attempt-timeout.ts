import type { Layer } from '../../model/service.ts';

/** What `attemptTimeoutLayer` needs. */
export interface AttemptTimeoutSettings {
  /** How long one attempt may take until its head, ms. */
  readonly timeout: number;
}

/**
 * Bounds one attempt: without a head after `timeout` it is given up with `INMESH_ATTEMPT_TIMEOUT`, so that there is time
 * left for another. It covers connecting, waiting for a connection and the head. After the head nothing can be retried,
 * so the body is left to the deadline; so is an attempt that could not outlast its timeout before the deadline anyway.
 *
 * The layer only says so; the clock runs in the transport, where an attempt begins and its head arrives.
 */
export function attemptTimeoutLayer({ timeout }: AttemptTimeoutSettings): Layer {
  return (next) => (call) => next({ ...call, attemptTimeout: timeout });
}
