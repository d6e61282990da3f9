import type { Duration } from '../core/duration.ts';

/** When an endpoint that fails while its siblings do not is left out for a while. */
export interface OutlierOptions {
  /** Failures in a row: no connection, resets, attempt timeouts, 502, 503, 504. @defaultValue `5` */
  consecutive?: number;
  /** The share of attempts, 0 to 1, that must succeed within `window`; here 500 and 429 count as failures too. @defaultValue `0.8` */
  successRate?: number;
  /** How far back `successRate` looks. @defaultValue `'10s'` */
  window?: Duration;
  /** How many attempts must have ended within `window` before `successRate` is judged. @defaultValue `20` */
  volume?: number;
  /** How long an endpoint is left out at first; doubles each time, halves with each healthy `window`. @defaultValue `'5s'` */
  ejection?: Duration;
  /** How long it is left out at most. @defaultValue `'300s'` */
  ejectionCap?: Duration;
  /** The share of endpoints, 0 to 1, that may be left out: of two or more always one, but never all. 0: none. @defaultValue `0.5` */
  maxEjected?: number;
}

/** `OutlierOptions` filled in, durations in milliseconds, and the service's `panic` threshold. */
export interface OutlierSettings {
  readonly consecutive: number;
  readonly successRate: number;
  readonly window: number;
  readonly volume: number;
  readonly ejection: number;
  readonly ejectionCap: number;
  readonly maxEjected: number;
  /** The share of endpoints that must not be ejected; with fewer, all are used. */
  readonly panic: number;
}
