import type { Env } from '../core/env.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { LeastRequestPicker } from './least-request.ts';
import { Lot } from './lot.ts';
import { P2cPicker } from './p2c.ts';
import { Siblings } from './pick.ts';
import type { BalancerPolicy, Picker } from './picker.ts';
import { RandomPicker } from './random.ts';
import { RoundRobinPicker } from './round-robin.ts';

/**
 * A picker over `endpoints`: those that may be used now, so neither ejected nor draining ones.
 * Give the service's `previous` picker, so that round robin goes on where it was and what siblings have in common is kept.
 */
export function newPicker(policy: BalancerPolicy, endpoints: readonly Endpoint[], env: Env, previous?: Picker): Picker {
  const siblings = previous?.siblings ?? new Siblings(env.clock);
  const lot = new Lot(endpoints, env.random);
  switch (policy) {
    case 'p2c-peak-ewma':
    case 'p2c-least-request':
      return new P2cPicker(policy, lot, siblings);
    case 'least-request':
      return new LeastRequestPicker(lot, siblings, env.random);
    case 'random':
      return new RandomPicker(lot, siblings);
    case 'round-robin': {
      const before = previous instanceof RoundRobinPicker ? previous : undefined;
      return new RoundRobinPicker(lot.endpoints, siblings, env.random, before);
    }
  }
}
