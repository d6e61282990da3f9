import type { TimerNode, Timers } from '../../core/timers.ts';
import type { Call } from '../../model/call.ts';
import type { Abortable } from '../../model/signal.ts';

/** What a waiting call is waiting with. */
interface Terms {
  /** When the wait is over, on the monotonic clock, ms. */
  readonly due: number;
  readonly timers: Timers;
  /** Takes it out of the queue. */
  left(): void;
  granted(): void;
  refused(reason: unknown): void;
  /** The error for a wait that was too long. */
  expired(): unknown;
}

/**
 * One call's place in the queue. It ends granted, given up by its caller, or too late; where two of these come in one
 * turn, the first settles the promise and the second changes nothing.
 */
export class Turn implements TimerNode, Abortable {
  due = 0;
  prev: TimerNode | undefined = undefined;
  next: TimerNode | undefined = undefined;
  readonly #call: Call;
  readonly #terms: Terms;

  constructor(call: Call, terms: Terms) {
    this.#call = call;
    this.#terms = terms;
  }

  begin(): void {
    this.#terms.timers.add(this, this.#terms.due);
    this.#call.signal.listen(this);
  }

  grant(): void {
    this.#leave();
    this.#terms.granted();
  }

  onAbort(reason: unknown): void {
    this.#leave();
    this.#terms.refused(reason);
  }

  fire(): void {
    const reason = this.#terms.expired();
    this.#leave();
    this.#terms.refused(reason);
  }

  #leave(): void {
    this.#terms.left();
    this.#terms.timers.remove(this);
    this.#call.signal.unlisten(this);
  }
}
