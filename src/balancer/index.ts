import { randomInt } from '../core/random.ts';
import type { Env } from '../core/env.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { Pick, Siblings } from './pick.ts';
import type { BalancerPolicy, Picker } from './picker.ts';

export { Pick } from './pick.ts';
export type { Attempt, BalancerPolicy, Picker } from './picker.ts';

/** The picker of `policy` for `endpoints`. Every policy draws at random so far. */
export function newPicker(
  policy: BalancerPolicy,
  endpoints: readonly Endpoint[],
  env: Env,
  _previous?: Picker,
): Picker {
  const siblings = new Siblings(env.clock);
  return {
    policy,
    pick({ tried }) {
      const fresh = endpoints.filter((endpoint) => !tried.includes(endpoint));
      const from = fresh.length > 0 ? fresh : endpoints;
      const endpoint = from[randomInt(env.random, from.length)];
      return endpoint === undefined ? undefined : new Pick(endpoint, siblings);
    },
  };
}
