import { type BalancerPolicy, newPicker, type Picker } from '../../src/balancer/index.ts';
import type { Clock } from '../../src/core/clock.ts';
import { createEnv, type Env } from '../../src/core/env.ts';
import { silentLogger } from '../../src/core/log.ts';
import { type Random, seededRandom } from '../../src/core/random.ts';
import { Endpoint } from '../../src/model/endpoint.ts';
import type { Outcome } from '../../src/model/outcome.ts';

/** A server: how an attempt that begins at `now` will end. */
export type Server = (now: number, random: Random) => Outcome;

export function answers(latency: number): Server {
  return (_now, random) => ({ kind: 'success', latency: latency * (0.8 + 0.4 * random()) });
}

export function fails(latency: number): Server {
  return () => ({ kind: 'failure', latency, retryable: true, cause: undefined });
}

/** Never answers; the caller gives up after `patience` ms. */
export function swallows(patience: number): Server {
  return () => ({ kind: 'ignored', latency: patience });
}

export function endpointsOf(count: number, weightOf: (index: number) => number = () => 1): Endpoint[] {
  return Array.from({ length: count }, (_, index) => {
    const address = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:80`;
    return new Endpoint({ address, weight: weightOf(index) });
  });
}

/** Time, chance and a picker over simulated servers; events run in the order of their instants, without waiting. */
export class Simulation {
  time = 1_000;
  picker: Picker;
  readonly env: Env;
  readonly random: Random;
  readonly servers: Map<Endpoint, Server> = new Map();
  readonly #events: { at: number; run: () => void }[] = [];

  constructor(policy: BalancerPolicy, seed: number) {
    this.random = seededRandom(seed);
    const clock: Clock = {
      now: () => this.time,
      wallTime: () => this.time,
      schedule: (delay, run) => {
        this.after(delay, run);
        return { cancel: () => {}, ref: () => {}, unref: () => {} };
      },
    };
    this.env = createEnv({ clock, random: this.random, log: silentLogger });
    this.picker = newPicker(policy, [], this.env);
  }

  /** Adds endpoints with their servers, as a discovery update does. */
  add(endpoints: readonly Endpoint[], server: Server): void {
    for (const endpoint of endpoints) this.servers.set(endpoint, server);
    this.picker = newPicker(this.picker.policy, [...this.servers.keys()], this.env, this.picker);
  }

  /** Makes one attempt, and tells to whom. */
  attempt(): Endpoint {
    const pick = this.picker.pick({ tried: [] })!;
    const outcome = this.servers.get(pick.endpoint)!(this.time, this.random);
    this.after(outcome.latency, () => pick.done(outcome));
    return pick.endpoint;
  }

  /** Attempts for `length` ms at `rate` a second, at random instants; how many each endpoint got. */
  traffic(rate: number, length: number): Map<Endpoint, number> {
    const counts = new Map([...this.servers.keys()].map((endpoint) => [endpoint, 0]));
    const end = this.time + length;
    const arrive = (): void => {
      if (this.time >= end) return;
      const endpoint = this.attempt();
      counts.set(endpoint, counts.get(endpoint)! + 1);
      this.after((-Math.log(1 - this.random()) * 1_000) / rate, arrive);
    };
    arrive();
    this.run(end);
    return counts;
  }

  /** Runs what happens up to the instant `end`. */
  run(end: number): void {
    while (this.#events.length > 0 && this.#events[0]!.at <= end) {
      const event = this.#events.shift()!;
      this.time = event.at;
      event.run();
    }
    this.time = end;
  }

  after(delay: number, run: () => void): void {
    const at = this.time + delay;
    let low = 0;
    for (let high = this.#events.length; low < high;) {
      const middle = (low + high) >> 1;
      if (this.#events[middle]!.at <= at) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, { at, run });
  }
}

/** The part of all attempts that went to `endpoint`. */
export function shareOf(endpoint: Endpoint, counts: ReadonlyMap<Endpoint, number>): number {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return counts.get(endpoint)! / total;
}
