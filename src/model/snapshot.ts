import type { EndpointInfo } from './endpoint.ts';

/** All that a resolver knows at one moment. Full, never a difference: the last one tells everything. */
export interface Snapshot {
  readonly endpoints: readonly EndpointInfo[];
  /**
   * `fresh`; `stale` (the source fails, these are the last good ones); `empty` (the source says that there are none);
   * `error` (nothing was ever known, and `error` tells why).
   */
  readonly state: 'fresh' | 'stale' | 'empty' | 'error';
  /** Grows with every change. */
  readonly version: number;
  /** Why it is not fresh. */
  readonly error?: Error;
}

/** Tells of a service's endpoints as they change. */
export interface Resolver {
  /**
   * Starts watching. `listener` gets a snapshot as soon as there is one to give, then one for every change;
   * never in the same turn as `watch` itself. Watching again after `stop` is allowed.
   * @returns stops watching; nothing is told after that.
   */
  watch(listener: (snapshot: Snapshot) => void): () => void;
  /** Asks the source again now, where that is possible: too many endpoints turned out bad. */
  refresh?(): void;
  /** What it watches, for people: `dns://orders.internal:8080`. */
  readonly target: string;
}
