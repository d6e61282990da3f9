import { type Random, randomInt } from '../core/random.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Lot } from './lot.ts';
import { Pick, type Siblings } from './pick.ts';
import type { Attempt, Picker } from './picker.ts';

/** How many endpoints are drawn before all are looked at: where most are idle, one of these is. */
const PROBES = 8;

/**
 * The endpoint with the fewest attempts in flight, or the smallest burden if some fail; of several equals each is as
 * likely. An idle one that is drawn by chance cannot be beaten. Only where none is found so, all are looked at, and a pick takes time with their number.
 *
 * Where weights differ, an endpoint's chance is its weight over one plus what is in flight there per weight. That is
 * Envoy's dynamic weight but for the "per weight", without which heavy endpoints lose their share as load grows. The
 * least per weight, taken strictly, would leave the light ones without any traffic whenever there is little.
 */
export class LeastRequestPicker implements Picker {
  readonly policy = 'least-request';
  readonly siblings: Siblings;
  readonly #lot: Lot;
  readonly #random: Random;

  constructor(lot: Lot, siblings: Siblings, random: Random) {
    this.#lot = lot;
    this.siblings = siblings;
    this.#random = random;
  }

  pick({ tried }: Attempt, now: number = this.siblings.clock.now()): Pick | undefined {
    const endpoint = this.#choose(tried, now) ?? this.#choose([], now);
    return endpoint === undefined ? undefined : new Pick(endpoint, this.siblings);
  }

  #choose(tried: readonly Endpoint[], now: number): Endpoint | undefined {
    const { shares } = this.#lot;
    return shares === undefined ? this.#least(tried, now) : this.#weighed(shares, tried, now);
  }

  #least(tried: readonly Endpoint[], now: number): Endpoint | undefined {
    const { endpoints } = this.#lot;
    for (let probe = 0; probe < PROBES && endpoints.length > PROBES; probe++) {
      const endpoint = endpoints[randomInt(this.#random, endpoints.length)]!;
      if (this.siblings.burden(endpoint, 1, now) === 1 && !tried.includes(endpoint)) return endpoint;
    }
    let least = Infinity;
    let equals = 0;
    for (const endpoint of endpoints) {
      if (tried.includes(endpoint)) continue;
      const burden = this.siblings.burden(endpoint, 1, now);
      if (burden > least) continue;
      equals = burden < least ? 1 : equals + 1;
      least = burden;
    }
    let left = randomInt(this.#random, equals);
    const isChosen = (endpoint: Endpoint): boolean =>
      this.siblings.burden(endpoint, 1, now) === least && !tried.includes(endpoint) && left-- === 0;
    return endpoints.find(isChosen);
  }

  #weighed(shares: Float64Array, tried: readonly Endpoint[], now: number): Endpoint | undefined {
    const { endpoints } = this.#lot;
    let sum = 0;
    for (let index = 0; index < endpoints.length; index++) {
      if (!tried.includes(endpoints[index]!)) sum += this.#chance(index, shares, now);
    }
    let left = this.#random() * sum;
    let last: Endpoint | undefined;
    for (let index = 0; index < endpoints.length && left >= 0; index++) {
      if (tried.includes(endpoints[index]!)) continue;
      last = endpoints[index]!;
      left -= this.#chance(index, shares, now);
    }
    return last;
  }

  #chance(index: number, shares: Float64Array, now: number): number {
    const share = shares[index]!;
    return share / this.siblings.burden(this.#lot.endpoints[index]!, share, now);
  }
}
