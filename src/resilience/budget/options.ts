import type { Duration } from '../../core/duration.ts';

/** How much a service may be retried, as a share of the traffic that it answers. */
export interface RetryBudgetOptions {
  /**
   * Retries allowed for each first attempt that was answered: 0.2 lets at most a fifth be sent again.
   * @defaultValue 0.2
   */
  readonly ratio?: number;
  /**
   * Retries allowed per second whatever the traffic, so that a quiet service can retry at all.
   * @defaultValue 1
   */
  readonly floorPerSecond?: number;
  /**
   * How far back answers and retries are counted. What is older counts no more: nothing is saved up beyond it.
   * @defaultValue '10s'
   */
  readonly window?: Duration;
}

/** `RetryBudgetOptions` with nothing left open; milliseconds. */
export interface RetryBudgetSettings {
  readonly ratio: number;
  readonly floorPerSecond: number;
  readonly window: number;
}
