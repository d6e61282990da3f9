import type { Duration } from '../../core/duration.ts';

/** When a service is left alone because it fails as a whole, and for how long. */
export interface BreakerOptions {
  /** The share of calls, 0 to 1, that must fail within `window` for it to open. @defaultValue `0.5` */
  errorRate?: number;
  /** How many calls must have ended within `window` before it may open. @defaultValue `20` */
  volume?: number;
  /** How far back it looks. @defaultValue `'10s'` */
  window?: Duration;
  /** How long it stays open before a call is let through as a probe; doubles with every probe that fails. @defaultValue `'5s'` */
  open?: Duration;
  /** How long it stays open at most. @defaultValue `'60s'` */
  openCap?: Duration;
}

/** `BreakerOptions` filled in; durations in milliseconds. */
export interface BreakerSettings {
  readonly errorRate: number;
  readonly volume: number;
  readonly window: number;
  readonly open: number;
  readonly openCap: number;
}
