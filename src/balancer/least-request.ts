import { type Random, randomInt } from '../core/random.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Lot } from './lot.ts';
import { Pick, type Siblings } from './pick.ts';
import type { Attempt, Picker } from './picker.ts';

/** How many endpoints are drawn before all are looked at: where most are idle, one of these is. */
const PROBES = 8;

/**
 * The endpoint with the fewest attempts in flight; of several with equally few, each is as likely. An idle one that is
 * drawn by chance cannot be beaten. Only where none is found so, all are looked at, and a pick takes time with their number.
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

  pick({ tried }: Attempt): Pick | undefined {
    const endpoint = this.#choose(tried) ?? this.#choose([]);
    return endpoint === undefined ? undefined : new Pick(endpoint, this.siblings);
  }

  #choose(tried: readonly Endpoint[]): Endpoint | undefined {
    const { shares } = this.#lot;
    return shares === undefined ? this.#least(tried) : this.#weighed(shares, tried);
  }

  #least(tried: readonly Endpoint[]): Endpoint | undefined {
    const { endpoints } = this.#lot;
    for (let probe = 0; probe < PROBES && endpoints.length > PROBES; probe++) {
      const endpoint = endpoints[randomInt(this.#random, endpoints.length)]!;
      if (endpoint.inFlight === 0 && !tried.includes(endpoint)) return endpoint;
    }
    let least = Infinity;
    let equals = 0;
    for (const endpoint of endpoints) {
      if (endpoint.inFlight > least || tried.includes(endpoint)) continue;
      if (endpoint.inFlight < least) equals = 0;
      least = endpoint.inFlight;
      equals++;
    }
    let left = randomInt(this.#random, equals);
    return endpoints.find((endpoint) => endpoint.inFlight === least && !tried.includes(endpoint) && left-- === 0);
  }

  #weighed(shares: Float64Array, tried: readonly Endpoint[]): Endpoint | undefined {
    const { endpoints } = this.#lot;
    let sum = 0;
    for (let index = 0; index < endpoints.length; index++) {
      if (!tried.includes(endpoints[index]!)) sum += dynamicWeight(endpoints[index]!, shares[index]!);
    }
    let left = this.#random() * sum;
    let last: Endpoint | undefined;
    for (let index = 0; index < endpoints.length && left >= 0; index++) {
      if (tried.includes(endpoints[index]!)) continue;
      last = endpoints[index]!;
      left -= dynamicWeight(last, shares[index]!);
    }
    return last;
  }
}

function dynamicWeight(endpoint: Endpoint, share: number): number {
  return share / (1 + endpoint.inFlight / share);
}
