/** Whatever an abort signal can end. */
export interface Abortable {
  abort(reason: unknown): void;
}

/**
 * One listener for each signal, however many calls share it: cheaper than a listener a call, no leak warning at the
 * eleventh call in flight, and nothing is left on the signal once the last of them has ended.
 */
class Watch {
  readonly #signal: AbortSignal;
  readonly #calls = new Set<Abortable>();
  readonly #fire = (): void => {
    const calls = [...this.#calls];
    this.#calls.clear();
    for (const call of calls) call.abort(this.#signal.reason);
  };

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(call: Abortable): void {
    if (this.#calls.size === 0) this.#signal.addEventListener('abort', this.#fire, { once: true });
    this.#calls.add(call);
  }

  remove(call: Abortable): void {
    if (this.#calls.delete(call) && this.#calls.size === 0) this.#signal.removeEventListener('abort', this.#fire);
  }
}

const watches = new WeakMap<AbortSignal, Watch>();

/** Calls `call.abort` when the signal aborts, until `unwatch`. */
export function watch(signal: AbortSignal, call: Abortable): void {
  let shared = watches.get(signal);
  if (shared === undefined) watches.set(signal, (shared = new Watch(signal)));
  shared.add(call);
}

export function unwatch(signal: AbortSignal, call: Abortable): void {
  watches.get(signal)?.remove(call);
}
