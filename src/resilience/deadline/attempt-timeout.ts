import { formatDuration } from '../../core/duration.ts';
import type { Env } from '../../core/env.ts';
import { MeshError } from '../../core/errors.ts';
import { isLate } from '../../core/timers.ts';
import type { Call } from '../../model/call.ts';
import type { Layer } from '../../model/service.ts';
import { CallSignal } from '../../model/signal.ts';

/** What `attemptTimeoutLayer` needs. */
export interface AttemptTimeoutSettings {
  /** How long one attempt may take until its head, ms. */
  readonly timeout: number;
  readonly env: Pick<Env, 'clock' | 'timers'>;
}

/**
 * Gives up an attempt whose head is not in after `timeout`, with `INMESH_ATTEMPT_TIMEOUT`, so that there is time left
 * for another. It covers queueing, connecting and the head. After the head nothing can be retried, so the body is left
 * to the deadline; so is an attempt that could not outlast its timeout before the deadline anyway.
 */
export function attemptTimeoutLayer({ timeout, env }: AttemptTimeoutSettings): Layer {
  const { clock, timers } = env;
  return (next) => async (call) => {
    const due = call.begun + timeout;
    if (due >= call.deadline) return next(call);
    // The attempt's own: aborted alone when it takes too long, and together with the call.
    const signal = new CallSignal();
    signal.expireWith(() => {
      if (!isLate(signal, clock)) return timedOut(call, timeout);
      // The process stood still, for how much of the attempt nobody knows; the answer may be waiting in the kernel, the
      // request may not have left. So the attempt gets its time again, as far as the deadline allows.
      const again = clock.now() + timeout;
      if (again < call.deadline) timers.add(signal, again);
      return undefined;
    });
    call.signal.listen(signal);
    timers.add(signal, due);
    try {
      return await next({ ...call, signal });
    } catch (error) {
      call.signal.unlisten(signal);
      throw error;
    } finally {
      timers.remove(signal);
    }
  };
}

function timedOut({ service }: Call, timeout: number): MeshError {
  const message = `An attempt at ${service} had no answer after ${formatDuration(timeout)}; raise attemptTimeout if that is how long answers take`;
  return new MeshError('INMESH_ATTEMPT_TIMEOUT', message, { service });
}
