import type { Env } from '../../core/env.ts';

const LONGEST = 30_000;
/** The first window in which a list that must be made again may fall, ms. */
const FIRST_LIST_WINDOW = 12_000;
const LEAST = 500;
const FIRST_RESUME = 1_000;
/** How often a file is looked at for a new token, ms. */
const TOKEN_CHECK = 1_000;

/**
 * How long to wait before going on. When an API server comes back, all its clients do: a watch that only goes on from
 * where it was is cheap for it and comes within a second at first; a list is not, and is spread over 12 s at first, so
 * that of a hundred clients no more than about ten ask in any second. Meanwhile the last good endpoints serve.
 */
export class Pauses {
  /** Failures since it last worked. */
  failures = 0;
  #lostPlace = false;
  readonly #env: Env;
  readonly #signal: AbortSignal;

  constructor(env: Env, signal: AbortSignal) {
    this.#env = env;
    this.#signal = signal;
  }

  /** @param lostPlace the server is well, but knows our version no more: where that follows a break it is the first failure. */
  failed(lostPlace: boolean): void {
    this.failures = lostPlace && !this.#lostPlace ? 1 : this.failures + 1;
    this.#lostPlace ||= lostPlace;
  }

  succeeded(): void {
    this.failures = 0;
    this.#lostPlace = false;
  }

  /** ms to wait after a failure; `asked` is what the server wants, to which the spread is added. */
  after(mustList: boolean, asked: number): number {
    const { random } = this.#env;
    const doubled = 2 ** Math.min(this.failures - 1, 10);
    if (mustList) return asked + LEAST + random() * Math.min(LONGEST, FIRST_LIST_WINDOW * doubled);
    return asked + Math.min(LONGEST, FIRST_RESUME * doubled) * (0.5 + 0.5 * random());
  }

  /** A watch that ended well is begun again within a second. */
  afterEnd(): Promise<void> {
    return this.sleep(this.#env.random() * 1_000);
  }

  /** @throws the signal's reason. */
  sleep(ms: number): Promise<void> {
    return new Promise((done, fail) => {
      const timer = this.#env.clock.schedule(ms, () => {
        this.#signal.removeEventListener('abort', stop);
        done();
      });
      const stop = (): void => {
        timer.cancel();
        fail(this.#signal.reason as Error);
      };
      if (this.#signal.aborted) stop();
      else this.#signal.addEventListener('abort', stop, { once: true });
    });
  }

  /** Sleeps until `wake` says so, which is asked every second, but no longer than `ms`. */
  async sleepUntil(ms: number, wake: () => Promise<boolean>): Promise<void> {
    const until = this.#env.clock.now() + ms;
    while (this.#env.clock.now() < until) {
      await this.sleep(Math.min(TOKEN_CHECK, until - this.#env.clock.now()));
      if (await wake()) return;
    }
  }
}
