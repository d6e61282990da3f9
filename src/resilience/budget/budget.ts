import type { Clock } from '../../core/clock.ts';
import { SlidingWindow } from '../../core/window.ts';
import type { RetryBudgetSettings } from './options.ts';

/** What a budget tells of itself: `snapshot()`, `explain()`, metrics. */
export interface RetryBudgetSnapshot {
  /** Retries that are allowed now. */
  readonly balance: number;
  /** First attempts answered within the window. */
  readonly answered: number;
  /** Retries within the window. */
  readonly spent: number;
  /** Retries since the beginning. */
  readonly retries: number;
  /** Retries refused since the beginning, for want of budget. */
  readonly exhausted: number;
}

/**
 * One service's allowance for retries: `ratio` for each first attempt answered within the window, and
 * `floorPerSecond` for each second of it, less the retries within the window.
 *
 * Answers are counted over no more than the window and retries over no less, so whenever a retry is granted,
 * the retries of the `window` ms that end with it are at most `ratio` times its answers plus the floor.
 */
export class RetryBudget {
  readonly #clock: Clock;
  readonly #ratio: number;
  readonly #floor: number;
  readonly #answered: SlidingWindow;
  readonly #spent: SlidingWindow;
  /** Retries granted since the beginning. */
  retries = 0;
  /** Retries refused since the beginning. */
  exhausted = 0;

  constructor({ ratio, floorPerSecond, window }: RetryBudgetSettings, clock: Clock) {
    this.#clock = clock;
    this.#ratio = ratio;
    this.#floor = (floorPerSecond * window) / 1_000;
    this.#answered = new SlidingWindow(window);
    // Of ten buckets the newest is still filling: nine whole ones must cover the window.
    this.#spent = new SlidingWindow((window * 10) / 9);
  }

  /** Counts a first attempt that was answered with anything but a failure that asks for a retry. */
  deposit(now: number = this.#clock.now()): void {
    this.#answered.record(now, true);
  }

  /**
   * Takes one retry, if there is one to take. With `overdraw` it is granted even where there is none: for attempts
   * that were never sent and so have cost the service nothing. They count all the same.
   */
  withdraw(overdraw = false): boolean {
    const now = this.#clock.now();
    if (this.balance(now) < 1 && !overdraw) {
      this.exhausted++;
      return false;
    }
    this.#spent.record(now, true);
    this.retries++;
    return true;
  }

  /** How many retries are allowed now; never negative, may be a fraction. */
  balance(now: number = this.#clock.now()): number {
    return Math.max(0, this.#floor + this.#ratio * this.#answered.good(now) - this.#spent.good(now));
  }

  /** What it stands at, as plain data. */
  snapshot(): RetryBudgetSnapshot {
    const now = this.#clock.now();
    return {
      balance: this.balance(now),
      answered: this.#answered.good(now),
      spent: this.#spent.good(now),
      retries: this.retries,
      exhausted: this.exhausted,
    };
  }
}
