import type { Endpoint } from '../model/endpoint.ts';
import type { Pick } from './pick.ts';

/** How the endpoint of an attempt is chosen. */
export type BalancerPolicy = 'p2c-peak-ewma' | 'p2c-least-request' | 'least-request' | 'round-robin' | 'random';

/** What of a `Call` a picker looks at. */
export interface Attempt {
  /** Endpoints that earlier attempts went to: avoided while there are others. */
  readonly tried: readonly Endpoint[];
}

/** Chooses endpoints for attempts. It knows a fixed set; when the set changes, `newPicker` makes the next one. */
export interface Picker {
  readonly policy: BalancerPolicy;
  /** Begins an attempt at an endpoint; undefined only where there is none at all. */
  pick(attempt: Attempt): Pick | undefined;
}
