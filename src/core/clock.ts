/** A pending timer; `ref`/`unref` decide whether it keeps the process alive. */
export interface Timer {
  /** Its task does not run; after it has run, nothing. */
  cancel(): void;
  /** The process stays alive for it. */
  ref(): void;
  /** The process may end before it. */
  unref(): void;
}

/**
 * Where time comes from. Everything in inmesh takes one, so that every policy also runs on a manual clock
 * (`inmesh/testing`), to the millisecond and without waiting.
 */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary origin; never goes back, unaffected by wall clock changes. */
  now(): number;
  /** Wall clock, milliseconds since the epoch: for dates that come from outside, such as `Retry-After`. */
  wallTime(): number;
  /**
   * Runs `task` once, `delay` milliseconds from now; with 0 in the next turn, when what has come in at sockets has been
   * read. Timers do not keep the process alive until `ref()` is called.
   */
  schedule(delay: number, task: () => void): Timer;
}

/** `setTimeout` fires at once above this delay, so longer ones are slept in pieces. */
const LONGEST_DELAY = 2 ** 31 - 1;

class NodeTimer implements Timer {
  #timeout: NodeJS.Timeout;

  constructor(delay: number, task: () => void) {
    this.#timeout = this.#start(delay, task);
  }

  #start(delay: number, task: () => void): NodeJS.Timeout {
    if (delay <= LONGEST_DELAY) return setTimeout(task, delay).unref();
    return setTimeout(() => {
      const wasRef = this.#timeout.hasRef();
      this.#timeout = this.#start(delay - LONGEST_DELAY, task);
      if (wasRef) this.#timeout.ref();
    }, LONGEST_DELAY).unref();
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }

  ref(): void {
    this.#timeout.ref();
  }

  unref(): void {
    this.#timeout.unref();
  }
}

/** The next turn: immediates run right after sockets were read. */
class NodeTurn implements Timer {
  readonly #immediate: NodeJS.Immediate;

  constructor(task: () => void) {
    this.#immediate = setImmediate(task).unref();
  }

  cancel(): void {
    clearImmediate(this.#immediate);
  }

  ref(): void {
    this.#immediate.ref();
  }

  unref(): void {
    this.#immediate.unref();
  }
}

/** The process's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  schedule: (delay, task) => (delay > 0 ? new NodeTimer(delay, task) : new NodeTurn(task)),
};
