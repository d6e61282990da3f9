import type { TimerNode } from '../core/timers.ts';

/** What wants to know that a call was given up. */
export interface Abortable {
  onAbort(reason: unknown): void;
}

/**
 * The cheap stand-in for an `AbortSignal` (creating one of those costs about 10 µs): one per call, one per attempt.
 * It is itself a node of the timer wheel, so a deadline costs no further object.
 */
export class CallSignal implements TimerNode, Abortable {
  aborted = false;
  reason: unknown = undefined;
  due = 0;
  prev: TimerNode | undefined = undefined;
  next: TimerNode | undefined = undefined;
  #expiry: (() => unknown) | undefined = undefined;
  // A call's signal has two listeners as a rule, its caller and its attempt: a set would cost more than all the rest.
  #first: Abortable | undefined = undefined;
  #second: Abortable | undefined = undefined;
  #others: Set<Abortable> | undefined = undefined;

  /** Gives the call up: listeners are told once. Later calls change nothing. */
  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const first = this.#first;
    const second = this.#second;
    const others = this.#others;
    this.#first = this.#second = this.#others = undefined;
    first?.onAbort(reason);
    second?.onAbort(reason);
    if (others !== undefined) for (const listener of others) listener.onAbort(reason);
  }

  /** Tells `listener` of an abort; at once if there was one already. */
  listen(listener: Abortable): void {
    if (this.aborted) listener.onAbort(this.reason);
    else if (this.#first === undefined) this.#first = listener;
    else if (this.#second === undefined) this.#second = listener;
    else (this.#others ??= new Set()).add(listener);
  }

  /** Tells `listener` no more. */
  unlisten(listener: Abortable): void {
    if (this.#first === listener) this.#first = undefined;
    else if (this.#second === listener) this.#second = undefined;
    else this.#others?.delete(listener);
  }

  /** What the timer wheel aborts it with when it is due; called then, not before. Undefined: not yet. */
  expireWith(expiry: () => unknown): void {
    this.#expiry = expiry;
  }

  /** Called by the timer wheel. */
  fire(): void {
    const reason = this.#expiry?.();
    if (reason !== undefined) this.abort(reason);
  }

  /** A signal that listens to another: aborted together with it. */
  onAbort(reason: unknown): void {
    this.abort(reason);
  }
}
