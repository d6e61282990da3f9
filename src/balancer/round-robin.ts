import { type Random, randomInt } from '../core/random.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { Pick, type Siblings } from './pick.ts';
import type { Attempt, Picker } from './picker.ts';

/** Spreads the rounds in which light endpoints sit out, so that they do not all sit out the same ones. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * One after the other, in an order shuffled once and from a place drawn at random: clients that all began with the
 * first endpoint would go round as a herd. A discovery update keeps order and place; what is new is mixed in.
 *
 * Weights by static strides (gRPC's weighted round robin): the heaviest endpoint takes part in every round, one of
 * half its weight in every second, one of weight 0 in none. So nothing needs to be kept but the number of the round.
 */
export class RoundRobinPicker implements Picker {
  readonly policy = 'round-robin';
  readonly siblings: Siblings;
  readonly #order: readonly Endpoint[];
  readonly #shares: Float64Array | undefined;
  #round: number;
  #position: number;

  constructor(weighing: readonly Endpoint[], siblings: Siblings, random: Random, previous?: RoundRobinPicker) {
    this.siblings = siblings;
    this.#order = previous === undefined ? shuffle(weighing, random) : mixIn(weighing, previous.#order, random);
    this.#shares = sharesOfHeaviest(this.#order);
    this.#round = previous === undefined ? randomInt(random, 1_000) : previous.#round;
    const place = previous === undefined ? undefined : previous.#nextAmong(this.#order);
    this.#position = place ?? randomInt(random, this.#order.length);
  }

  pick({ tried }: Attempt): Pick | undefined {
    if (this.#order.length === 0) return undefined;
    for (let turn = 0; turn <= tried.length; turn++) {
      const endpoint = this.#next();
      if (!tried.includes(endpoint)) return new Pick(endpoint, this.siblings);
    }
    return new Pick(this.#order.find((endpoint) => !tried.includes(endpoint)) ?? this.#next(), this.siblings);
  }

  #next(): Endpoint {
    for (;;) {
      const index = this.#position;
      const round = this.#round;
      this.#position = index + 1;
      if (this.#position === this.#order.length) {
        this.#position = 0;
        this.#round++;
      }
      if (this.#shares === undefined || takesPart(this.#shares[index]!, index, round)) return this.#order[index]!;
    }
  }

  /** Where in a new order the endpoint stands whose turn it is, or the first after it that is still there. */
  #nextAmong(order: readonly Endpoint[]): number | undefined {
    const places = new Map(order.map((endpoint, index) => [endpoint, index]));
    for (let step = 0; step < this.#order.length; step++) {
      const place = places.get(this.#order[(this.#position + step) % this.#order.length]!);
      if (place !== undefined) return place;
    }
    return undefined;
  }
}

/** Whether the count of turns due by the end of this round is greater than it was before. */
function takesPart(share: number, index: number, round: number): boolean {
  const offset = (index * GOLDEN) % 1;
  return share === 1 || Math.floor(share * (round + 1) + offset) > Math.floor(share * round + offset);
}

function sharesOfHeaviest(endpoints: readonly Endpoint[]): Float64Array | undefined {
  const heaviest = endpoints.reduce((weight, endpoint) => Math.max(weight, endpoint.weight), 0);
  if (endpoints.every((endpoint) => endpoint.weight === heaviest)) return undefined;
  return Float64Array.from(endpoints, (endpoint) => endpoint.weight / heaviest);
}

/** Fisher and Yates. */
function shuffle(endpoints: readonly Endpoint[], random: Random): Endpoint[] {
  const order = [...endpoints];
  for (let index = order.length - 1; index > 0; index--) {
    const other = randomInt(random, index + 1);
    const moved = order[index]!;
    order[index] = order[other]!;
    order[other] = moved;
  }
  return order;
}

/** The endpoints that were there, in the order they had, and the new ones at random places between them. */
function mixIn(endpoints: readonly Endpoint[], before: readonly Endpoint[], random: Random): Endpoint[] {
  const current = new Set(endpoints);
  const known = new Set(before);
  const kept = before.filter((endpoint) => current.has(endpoint));
  const added = shuffle(
    endpoints.filter((endpoint) => !known.has(endpoint)),
    random,
  );
  const order: Endpoint[] = [];
  for (let keeping = 0; kept.length - keeping + added.length > 0;) {
    const takesNew = randomInt(random, kept.length - keeping + added.length) < added.length;
    order.push(takesNew ? added.pop()! : kept[keeping++]!);
  }
  return order;
}
