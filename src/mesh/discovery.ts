import type { Env } from '../core/env.ts';
import { MeshError } from '../core/errors.ts';
import type { Call } from '../model/call.ts';
import type { Abortable } from '../model/signal.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { TimerNode } from '../core/timers.ts';

/** How long a first request waits for discovery at most, ms, whatever its deadline. */
export const DISCOVERY_WAIT = 5_000;

/** A call that came before its service's endpoints were known: waits for them, its abort, or its time, whichever is first. */
export class Waiter implements Abortable, TimerNode {
  due = 0;
  prev: TimerNode | undefined = undefined;
  next: TimerNode | undefined = undefined;
  readonly settled: Promise<void>;
  readonly #call: Call;
  readonly #env: Env;
  readonly #onSettled: (waiter: Waiter) => void;
  readonly #target: string;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;

  constructor(call: Call, target: string, env: Env, onSettled: (waiter: Waiter) => void) {
    this.#call = call;
    this.#env = env;
    this.#target = target;
    this.#onSettled = onSettled;
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    env.timers.add(this, Math.min(call.deadline, env.clock.now() + DISCOVERY_WAIT));
    call.signal.listen(this);
  }

  /** There is a snapshot: the call goes on, or learns that nothing could be found. */
  onSnapshot(snapshot: Snapshot): void {
    this.#settle();
    if (snapshot.state === 'error') this.#reject(resolveFailed(this.#call.service, this.#target, snapshot.error));
    else this.#resolve();
  }

  onAbort(reason: unknown): void {
    this.#settle();
    this.#reject(reason);
  }

  fire(): void {
    this.#settle();
    this.#reject(resolveFailed(this.#call.service, this.#target, undefined));
  }

  #settle(): void {
    this.#env.timers.remove(this);
    this.#call.signal.unlisten(this);
    this.#onSettled(this);
  }
}

/** Nothing was ever known of the service's endpoints. */
export function resolveFailed(service: string, target: string, cause: Error | undefined): MeshError {
  const reason = cause === undefined ? 'no answer yet' : cause.message;
  return new MeshError('INMESH_RESOLVE_FAILED', `The endpoints of ${service} (${target}) are not known: ${reason}`, {
    service,
    sent: false,
    cause,
  });
}
