import type { Duration } from '../../core/duration.ts';

/** How many calls may be under way at once, and how many may wait for their turn. */
export interface LimitOptions {
  /** Calls of the service under way, bodies included. @defaultValue `4096` */
  perService?: number;
  /** Attempts at one endpoint under way, bodies included. @defaultValue `1024` */
  perEndpoint?: number;
  /** Calls that may wait when `perService` is reached; 0: none, they are refused at once. @defaultValue `256` */
  queue?: number;
  /** How long a call waits at most, if its deadline does not come first. @defaultValue `'1s'` */
  queueTimeout?: Duration;
}

/** `LimitOptions` filled in; durations in milliseconds. */
export interface LimitSettings {
  readonly perService: number;
  readonly perEndpoint: number;
  readonly queue: number;
  readonly queueTimeout: number;
}
