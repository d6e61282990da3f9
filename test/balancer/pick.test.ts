import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BalancerPolicy, newPicker, type Pick } from '../../src/balancer/index.ts';
import { createEnv } from '../../src/core/env.ts';
import { silentLogger } from '../../src/core/log.ts';
import { seededRandom } from '../../src/core/random.ts';
import type { Endpoint } from '../../src/model/endpoint.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { endpointsOf } from './simulation.ts';

const POLICIES: readonly BalancerPolicy[] = [
  'p2c-peak-ewma',
  'p2c-least-request',
  'least-request',
  'round-robin',
  'random',
];
const FIRST = { tried: [] };

function envOf(seed = 1): ReturnType<typeof createEnv> & { clock: ManualClock } {
  const clock = new ManualClock();
  return { ...createEnv({ clock, random: seededRandom(seed), log: silentLogger }), clock };
}

function countsOf(endpoints: readonly Endpoint[], choose: () => Endpoint, times: number): number[] {
  const counts = new Map(endpoints.map((endpoint) => [endpoint, 0]));
  for (let count = 0; count < times; count++) {
    const endpoint = choose();
    counts.set(endpoint, counts.get(endpoint)! + 1);
  }
  return [...counts.values()];
}

/** The chi-square statistic of counts against the shares they should have. */
function chiSquare(counts: readonly number[], shares: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const whole = shares.reduce((sum, share) => sum + share, 0);
  return counts.reduce((sum, count, index) => {
    const expected = (total * shares[index]!) / whole;
    return sum + (expected === 0 ? count * 1e9 : (count - expected) ** 2 / expected);
  }, 0);
}

describe('a pick', () => {
  it('is in flight from its beginning until done, and is released once however often done is called', () => {
    const env = envOf();
    const [endpoint] = endpointsOf(1);
    const pick = newPicker('random', [endpoint!], env).pick(FIRST)!;
    expect(endpoint!.inFlight).toBe(1);
    pick.done({ kind: 'success', latency: 5 });
    pick.done({ kind: 'failure', latency: 900, retryable: true, cause: undefined });
    expect(endpoint!.inFlight).toBe(0);
    expect(endpoint!.load.cost(env.clock.now())).toBe(5);
  });

  it('teaches a failure as slow as a typical answer, however fast it came', () => {
    const env = envOf();
    const [good, bad] = endpointsOf(2) as [Endpoint, Endpoint];
    const picker = newPicker('random', [good], env);
    picker.pick(FIRST)!.done({ kind: 'success', latency: 40 });
    const next = newPicker('random', [bad], env, picker);
    next.pick(FIRST)!.done({ kind: 'failure', latency: 1, retryable: true, cause: undefined });
    expect(bad.load.cost(env.clock.now())).toBeGreaterThan(40);
  });

  it('that was given up teaches how long it was waited for at least, and nothing if that was not long', () => {
    const env = envOf();
    const endpoints = endpointsOf(1);
    const picker = newPicker('random', endpoints, env);
    const cost = (): number => endpoints[0]!.load.cost(env.clock.now());
    picker.pick(FIRST)!.done({ kind: 'success', latency: 40 });
    picker.pick(FIRST)!.done({ kind: 'ignored', latency: 39 });
    expect(cost()).toBe(40);
    picker.pick(FIRST)!.done({ kind: 'ignored', latency: 2_000 });
    expect(cost()).toBe(2_000);
    expect(endpoints[0]!.load.successRate(env.clock.now())).toBe(1);
  });

  it('given up quickly leaves an endpoint that never answered as unknown as it was', () => {
    const env = envOf();
    const [known, unknown] = endpointsOf(2) as [Endpoint, Endpoint];
    const picker = newPicker('random', [known], env);
    picker.pick(FIRST)!.done({ kind: 'success', latency: 40 });
    newPicker('random', [unknown], env, picker).pick(FIRST)!.done({ kind: 'ignored', latency: 3 });
    expect(unknown.load.observed).toBe(false);
  });
});

describe.each(POLICIES)('%s', (policy) => {
  it('picks nothing from nothing, and the only one there is from one, tried or not', () => {
    const env = envOf();
    expect(newPicker(policy, [], env).pick(FIRST)).toBeUndefined();
    const [only] = endpointsOf(1);
    const picker = newPicker(policy, [only!], env);
    expect(picker.pick(FIRST)!.endpoint).toBe(only);
    expect(picker.pick({ tried: [only!] })!.endpoint).toBe(only);
    expect(picker.policy).toBe(policy);
  });

  it('of two picks both', () => {
    const env = envOf();
    const endpoints = endpointsOf(2);
    const picker = newPicker(policy, endpoints, env);
    const choose = (): Endpoint => {
      const pick = picker.pick(FIRST)!;
      pick.done({ kind: 'success', latency: 0 });
      return pick.endpoint;
    };
    expect(Math.min(...countsOf(endpoints, choose, 200))).toBeGreaterThan(50);
  });

  it('spreads idle equals evenly', () => {
    const env = envOf(7);
    const endpoints = endpointsOf(10);
    const picker = newPicker(policy, endpoints, env);
    const choose = (): Endpoint => {
      const pick = picker.pick(FIRST)!;
      pick.done({ kind: 'success', latency: 20 });
      return pick.endpoint;
    };
    // 9 degrees of freedom: above 33.7 with a chance of 1 in 10,000.
    expect(
      chiSquare(
        countsOf(endpoints, choose, 10_000),
        endpoints.map(() => 1),
      ),
    ).toBeLessThan(33.7);
  });

  it('shares by weight among idle equals', () => {
    const env = envOf(3);
    const weights = [1, 2, 3, 4, 0, 10];
    const endpoints = endpointsOf(weights.length, (index) => weights[index]!);
    const picker = newPicker(policy, endpoints, env);
    const choose = (): Endpoint => {
      const pick = picker.pick(FIRST)!;
      pick.done({ kind: 'success', latency: 20 });
      return pick.endpoint;
    };
    for (let count = 0; count < 100; count++) choose();
    // 4 degrees of freedom: above 23.5 with a chance of 1 in 10,000.
    expect(chiSquare(countsOf(endpoints, choose, 10_000), weights)).toBeLessThan(23.5);
  });

  it('never leaves an endpoint of weight 0 anything unless all are of weight 0', () => {
    const env = envOf();
    const endpoints = endpointsOf(4, (index) => (index === 0 ? 1 : 0));
    const picker = newPicker(policy, endpoints, env);
    const choose = (): Endpoint => picker.pick({ tried: [endpoints[0]!] })!.endpoint;
    expect(countsOf(endpoints, choose, 100)).toEqual([100, 0, 0, 0]);
    const zeros = endpointsOf(4, () => 0);
    const any = newPicker(policy, zeros, env);
    expect(Math.min(...countsOf(zeros, () => any.pick(FIRST)!.endpoint, 100))).toBeGreaterThan(0);
  });

  it('avoids what was tried while there are others, under any weights and loads', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ weight: fc.nat(5), load: fc.nat(3), tried: fc.boolean() }), {
          minLength: 1,
          maxLength: 20,
        }),
        fc.integer(),
        (infos, seed) => {
          const endpoints = endpointsOf(infos.length, (index) => infos[index]!.weight);
          endpoints.forEach((endpoint, index) => (endpoint.inFlight = infos[index]!.load));
          const tried = endpoints.filter((_, index) => infos[index]!.tried);
          const anyWeight = infos.some((info) => info.weight > 0);
          const usable = endpoints.filter((endpoint) => !anyWeight || endpoint.weight > 0);
          const untried = usable.filter((endpoint) => !tried.includes(endpoint));
          const allowed = untried.length > 0 ? untried : usable;
          const picker = newPicker(policy, endpoints, envOf(seed));
          for (let count = 0; count < 30; count++) {
            expect(allowed).toContain(picker.pick({ tried })!.endpoint);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('gives retries to every endpoint that was not tried', () => {
    const endpoints = endpointsOf(12, (index) => 1 + (index % 2));
    const picker = newPicker(policy, endpoints, envOf(5));
    const tried = endpoints.slice(0, 6);
    const counts = countsOf(endpoints, () => picker.pick({ tried })!.endpoint, 1_200);
    expect(counts.slice(0, 6)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(Math.min(...counts.slice(6))).toBeGreaterThan(50);
  });

  it('keeps in flight counts exact, whatever begins, ends and ends again, across updates', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ kind: fc.nat(3), which: fc.nat() }), { maxLength: 200 }), (steps) => {
        const env = envOf();
        const endpoints = endpointsOf(6);
        let picker = newPicker(policy, endpoints.slice(0, 3), env);
        const all: Pick[] = [];
        const open = new Set<Pick>();
        for (const { kind, which } of steps) {
          if (kind <= 1) {
            const pick = picker.pick(FIRST)!;
            all.push(pick);
            open.add(pick);
          } else if (kind === 2 && all.length > 0) {
            const pick = all[which % all.length]!;
            pick.done({ kind: which % 2 === 0 ? 'success' : 'ignored', latency: which % 50 });
            open.delete(pick);
          } else {
            picker = newPicker(policy, endpoints.slice(which % 3, 3 + (which % 4)), env, picker);
          }
        }
        for (const endpoint of endpoints) {
          expect(endpoint.inFlight).toBe([...open].filter((pick) => pick.endpoint === endpoint).length);
        }
      }),
      { numRuns: 50 },
    );
  });
});
