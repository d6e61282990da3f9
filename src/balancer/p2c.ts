import type { Endpoint } from '../model/endpoint.ts';
import type { Lot } from './lot.ts';
import { Pick, type Siblings } from './pick.ts';
import type { Attempt, Picker } from './picker.ts';

/** The cost of an endpoint whose very first answer is awaited: as good as unavailable (Finagle). */
const UNKNOWN = 2 ** 40;
/** By what failures raise the cost of an endpoint of which half fails. */
const MOSTLY_FAILS = 8;
/** No answer counts as faster than this, ms: where all cost next to nothing, what is in flight must still tell. */
const FASTEST = 0.01;
/** Among weighted endpoints, the second must be so many times better than the first to be preferred to it. */
const CLEARLY = 2;

/**
 * The better of two at random (Mitzenmacher, "The power of two choices", 1996), after Finagle's `P2CPick`.
 *
 * Weights decide who is drawn first, and that one stands unless the second is clearly better; so differences of the
 * size of noise leave the shares as they were asked for. What is in flight is counted per weight, or a heavy endpoint
 * would seem busy merely for being heavy; latency is not, for drawing by weight has already accounted for it.
 */
export class P2cPicker implements Picker {
  readonly policy: 'p2c-peak-ewma' | 'p2c-least-request';
  readonly siblings: Siblings;
  readonly #lot: Lot;
  readonly #byLatency: boolean;

  constructor(policy: 'p2c-peak-ewma' | 'p2c-least-request', lot: Lot, siblings: Siblings) {
    this.policy = policy;
    this.siblings = siblings;
    this.#lot = lot;
    this.#byLatency = policy === 'p2c-peak-ewma';
  }

  pick({ tried }: Attempt, instant?: number): Pick | undefined {
    const { endpoints, shares } = this.#lot;
    if (endpoints.length === 0) return undefined;
    const first = this.#lot.draw(tried);
    let chosen = endpoints[first]!;
    const second = this.#lot.drawOther(first, tried);
    if (second === first) return new Pick(chosen, this.siblings);
    const now = this.#byLatency ? (instant ?? this.siblings.clock.now()) : 0;
    const rival = endpoints[second]!;
    // Of equals the first is taken: both were drawn at random, so that is fair.
    const better =
      shares === undefined
        ? this.#cost(rival, 1, now) < this.#cost(chosen, 1, now)
        : this.#cost(rival, shares[second]!, now) * CLEARLY < this.#cost(chosen, shares[first]!, now);
    if (better) chosen = rival;
    if (this.#byLatency) chosen.load.begin(now);
    return new Pick(chosen, this.siblings);
  }

  #cost(endpoint: Endpoint, share: number, now: number): number {
    const { load, inFlight } = endpoint;
    if (!this.#byLatency) return this.siblings.burden(endpoint, share);
    if (load.observed) {
      const cost = Math.max(FASTEST, load.cost(now)) * (1 + inFlight / share);
      // What mostly fails must not look better than what has not answered yet, or it gets all while the good are awaited.
      return load.suspect && load.penalty(now) > MOSTLY_FAILS ? 2 * UNKNOWN + cost : cost;
    }
    return inFlight === 0 ? 0 : UNKNOWN + inFlight;
  }
}
