import type { TimerNode, Timers } from '../../core/timers.ts';
import type { Call } from '../../model/call.ts';
import type { Abortable } from '../../model/signal.ts';

/** What a waiting call is waiting with. */
interface Terms {
  /** When the wait is over, on the monotonic clock, ms. */
  readonly due: number;
  readonly timers: Timers;
  /** Takes it out of the queue; false where it was not in it any more. */
  left(): boolean;
  granted(): void;
  refused(reason: unknown): void;
  /** The error for a wait that was too long. */
  expired(): unknown;
}

/** One call's place in the queue. It ends exactly once: granted, given up by its caller, or too late. */
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
    if (this.#leave()) this.#terms.granted();
  }

  onAbort(reason: unknown): void {
    if (this.#leave()) this.#terms.refused(reason);
  }

  fire(): void {
    const reason = this.#terms.expired();
    if (this.#leave()) this.#terms.refused(reason);
  }

  /** Whether it was still waiting: abort and timer may both come in the turn in which it was granted. */
  #leave(): boolean {
    if (!this.#terms.left()) return false;
    this.#terms.timers.remove(this);
    this.#call.signal.unlisten(this);
    return true;
  }
}
