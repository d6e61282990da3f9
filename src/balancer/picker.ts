import type { Endpoint } from '../model/endpoint.ts';
import type { Pick, Siblings } from './pick.ts';

/** How the endpoint of an attempt is chosen. */
export type BalancerPolicy = 'p2c-peak-ewma' | 'p2c-least-request' | 'least-request' | 'round-robin' | 'random';

/** What of a `Call` a picker looks at. */
export interface Attempt {
  /** Endpoints that earlier attempts went to: avoided while there are others. */
  readonly tried: readonly Endpoint[];
}

/** Chooses endpoints for attempts, from a fixed set; when the set changes, `newPicker` makes the next picker. */
export interface Picker {
  readonly policy: BalancerPolicy;
  /** What passes on to the next picker of the service. */
  readonly siblings: Siblings;
  /**
   * Begins an attempt at an endpoint; undefined only where there is none at all.
   * @param now the present instant, where the caller has it at hand: asking the clock is a third of what a pick costs.
   */
  pick(attempt: Attempt, now?: number): Pick | undefined;
}
