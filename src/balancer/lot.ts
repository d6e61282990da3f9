import { type Random, randomInt } from '../core/random.ts';
import type { Endpoint } from '../model/endpoint.ts';

/** How often an endpoint that was tried is drawn again before the rest is searched in order. */
const REDRAWS = 8;

/**
 * Draws endpoints by weight, each draw in the same time however many there are: Vose's alias method, or plain
 * chance where all weights are equal. Endpoints of weight 0 are left out, unless all are.
 */
export class Lot {
  readonly endpoints: readonly Endpoint[];
  /** Each endpoint's weight in means: 1 is average. Undefined where all weigh the same. */
  readonly shares: Float64Array | undefined;
  readonly #random: Random;
  readonly #keep: Float64Array = NO_CHANCES;
  readonly #alias: Int32Array = NO_ALIASES;

  constructor(endpoints: readonly Endpoint[], random: Random) {
    const weighing = endpoints.filter((endpoint) => endpoint.weight > 0);
    this.endpoints = weighing.length > 0 ? weighing : endpoints;
    this.#random = random;
    const first = this.endpoints[0]?.weight;
    if (this.endpoints.every((endpoint) => endpoint.weight === first)) return;
    this.shares = sharesOf(this.endpoints);
    this.#alias = new Int32Array(this.endpoints.length);
    this.#keep = aliasTable(this.shares, this.#alias);
  }

  /** The index of an endpoint, one not tried if there is any. There must be endpoints. */
  draw(tried: readonly Endpoint[]): number {
    const index = this.#any();
    return tried.length === 0 ? index : this.#untried(index, -1, tried);
  }

  /** The index of another endpoint than `index`, one not tried if there is any; `index` itself where there is no other. */
  drawOther(index: number, tried: readonly Endpoint[]): number {
    const other = this.#other(index);
    if (tried.length === 0 || tried.includes(this.endpoints[index]!)) return other;
    const untried = this.#untried(other, index, tried);
    return tried.includes(this.endpoints[untried]!) ? index : untried;
  }

  #any(): number {
    const position = this.#random() * this.endpoints.length;
    const index = Math.floor(position);
    if (this.shares === undefined) return index;
    return position - index < this.#keep[index]! ? index : this.#alias[index]!;
  }

  #other(index: number): number {
    if (this.shares !== undefined) {
      const weighed = this.#any();
      if (weighed !== index) return weighed;
    }
    const count = this.endpoints.length;
    if (count === 1) return index;
    // One draw from the n - 1 others. Drawing from all and stepping past `index` would favour its neighbour.
    const other = randomInt(this.#random, count - 1);
    return other < index ? other : other + 1;
  }

  #untried(drawn: number, besides: number, tried: readonly Endpoint[]): number {
    let index = drawn;
    for (let draws = 0; draws < REDRAWS; draws++) {
      if (index !== besides && !tried.includes(this.endpoints[index]!)) return index;
      index = besides < 0 ? this.#any() : this.#other(besides);
    }
    const count = this.endpoints.length;
    const start = randomInt(this.#random, count);
    for (let step = 0; step < count; step++) {
      index = (start + step) % count;
      if (index !== besides && !tried.includes(this.endpoints[index]!)) return index;
    }
    return drawn;
  }
}

const NO_CHANCES = new Float64Array(0);
const NO_ALIASES = new Int32Array(0);

function sharesOf(endpoints: readonly Endpoint[]): Float64Array {
  const mean = endpoints.reduce((sum, endpoint) => sum + endpoint.weight, 0) / endpoints.length;
  return Float64Array.from(endpoints, (endpoint) => endpoint.weight / mean);
}

/**
 * M. D. Vose, "A linear algorithm for generating random numbers with a given distribution", 1991. Every column holds
 * its own endpoint with the chance returned, and else the one in `alias`: what is short of average is topped up by one that is above.
 */
function aliasTable(shares: Float64Array, alias: Int32Array): Float64Array {
  const keep = Float64Array.from(shares);
  const short: number[] = [];
  const ample: number[] = [];
  for (let index = 0; index < keep.length; index++) (keep[index]! < 1 ? short : ample).push(index);
  while (short.length > 0 && ample.length > 0) {
    const needy = short.pop()!;
    const donor = ample[ample.length - 1]!;
    alias[needy] = donor;
    keep[donor]! -= 1 - keep[needy]!;
    if (keep[donor]! < 1) short.push(ample.pop()!);
  }
  // What is left is full, but for rounding.
  for (const index of short) keep[index] = 1;
  for (const index of ample) keep[index] = 1;
  return keep;
}
