import { formatDuration } from '../../core/duration.ts';
import type { Env } from '../../core/env.ts';
import { MeshError } from '../../core/errors.ts';
import { isLate, type TimerNode } from '../../core/timers.ts';
import type { Call } from '../../model/call.ts';
import type { Exchange } from '../../model/exchange.ts';
import type { Layer, Service } from '../../model/service.ts';
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
  return (next) => (call) => {
    const due = env.clock.now() + timeout;
    if (due >= call.deadline) return next(call);
    return limited(next, call, new AttemptTimer(call, timeout, env), due, env.timers);
  };
}

async function limited(
  next: Service,
  call: Call,
  timer: AttemptTimer,
  due: number,
  timers: Env['timers'],
): Promise<Exchange> {
  call.signal.listen(timer.signal);
  timers.add(timer, due);
  try {
    return await next({ ...call, signal: timer.signal });
  } catch (error) {
    call.signal.unlisten(timer.signal);
    throw error;
  } finally {
    timer.settled = true;
    timers.remove(timer);
  }
}

class AttemptTimer implements TimerNode {
  due = 0;
  prev: TimerNode | undefined = undefined;
  next: TimerNode | undefined = undefined;
  /** The attempt's own: aborted alone when it takes too long, and together with the call. */
  readonly signal: CallSignal = new CallSignal();
  settled = false;
  readonly #call: Call;
  readonly #timeout: number;
  readonly #env: Pick<Env, 'clock' | 'timers'>;

  constructor(call: Call, timeout: number, env: Pick<Env, 'clock' | 'timers'>) {
    this.#call = call;
    this.#timeout = timeout;
    this.#env = env;
  }

  fire(): void {
    if (this.settled || this.signal.aborted) return;
    if (isLate(this, this.#env.clock)) this.#startOver();
    else this.signal.abort(this.#timedOut());
  }

  /**
   * The process stood still, for how much of the attempt nobody knows; the answer may be waiting in the kernel, the
   * request may not have left. So the attempt gets its time again, as far as the deadline allows.
   */
  #startOver(): void {
    const due = this.#env.clock.now() + this.#timeout;
    if (due < this.#call.deadline) this.#env.timers.add(this, due);
  }

  #timedOut(): MeshError {
    const { service } = this.#call;
    const message = `An attempt at ${service} had no answer after ${formatDuration(this.#timeout)}; raise attemptTimeout if that is how long answers take`;
    return new MeshError('INMESH_ATTEMPT_TIMEOUT', message, { service });
  }
}
