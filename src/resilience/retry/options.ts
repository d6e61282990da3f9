import type { Duration } from '../../core/duration.ts';
import type { Env } from '../../core/env.ts';
import type { RetryBudget, RetryBudgetOptions } from '../budget/index.ts';

/** How long to wait before a retry: a random time up to a bound that doubles with each (full jitter). */
export interface BackoffOptions {
  /**
   * The bound before the first retry; it doubles with each further one.
   * @defaultValue '25ms'
   */
  readonly base?: Duration;
  /**
   * What the bound stops growing at.
   * @defaultValue '1s'
   */
  readonly cap?: Duration;
}

/** When and how often a failed attempt is made again. */
export interface RetryOptions {
  /**
   * Retries for one call, at most; 2 makes three attempts.
   * @defaultValue 2
   */
  readonly max?: number;
  /** What all calls of the service together may spend on retries. */
  readonly budget?: RetryBudgetOptions;
  /** How long to wait before each. */
  readonly backoff?: BackoffOptions;
  /**
   * Bytes of a streamed request body that are kept so that it can be sent again; a longer one is not retried once it
   * has been sent in part. Strings and buffers can always be sent again.
   * @defaultValue 65536
   */
  readonly replayLimit?: number;
}

/** `BackoffOptions` with nothing left open; milliseconds. */
export interface BackoffSettings {
  readonly base: number;
  readonly cap: number;
}

/** What `retryLayer` needs. */
export interface RetrySettings {
  readonly max: number;
  readonly backoff: BackoffSettings;
  /** Bytes. */
  readonly replayLimit: number;
  /** The service's, shared with whatever else sends more than was asked for. */
  readonly budget: RetryBudget;
  readonly env: Pick<Env, 'clock' | 'random' | 'timers'>;
}
