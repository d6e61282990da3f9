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
  #first: Abortable | undefined = undefined;
  #others: Set<Abortable> | undefined = undefined;

  /** Gives the call up: listeners are told once, in the order they came. Later calls change nothing. */
  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const first = this.#first;
    const others = this.#others;
    this.#first = this.#others = undefined;
    first?.onAbort(reason);
    if (others !== undefined) for (const listener of others) listener.onAbort(reason);
  }

  /** Tells `listener` of an abort; at once if there was one already. */
  listen(listener: Abortable): void {
    if (this.aborted) listener.onAbort(this.reason);
    else if (this.#first === undefined) this.#first = listener;
    else (this.#others ??= new Set()).add(listener);
  }

  /** Tells `listener` no more. */
  unlisten(listener: Abortable): void {
    if (this.#first === listener) this.#first = undefined;
    else this.#others?.delete(listener);
  }

  /** What the timer wheel aborts it with when it is due; called then, not before. */
  expireWith(expiry: () => unknown): void {
    this.#expiry = expiry;
  }

  /** Called by the timer wheel. */
  fire(): void {
    this.abort(this.#expiry?.());
  }

  /** A signal that listens to another: aborted together with it. */
  onAbort(reason: unknown): void {
    this.abort(reason);
  }
}
