import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../../src/model/endpoint.ts';
import { answers, endpointsOf, fails, shareOf, Simulation, swallows } from './simulation.ts';

const SEEDS = [1, 2, 3, 4, 5];

/** Five endpoints that answer in about 20 ms and have done so for 5 s. */
function fiveGood(seed: number, rate: number): { simulation: Simulation; endpoints: Endpoint[]; one: Endpoint } {
  const simulation = new Simulation('p2c-peak-ewma', seed);
  const endpoints = endpointsOf(5);
  simulation.add(endpoints, answers(20));
  simulation.traffic(rate, 5_000);
  return { simulation, endpoints, one: endpoints[0]! };
}

describe.each(SEEDS)('p2c-peak-ewma, seed %i', (seed) => {
  it.each([25, 100, 1_000])('sends less than 1 % to one of five that fails in 1 ms, 5 s in, at %i a second', (rate) => {
    const { simulation, one } = fiveGood(seed, rate);
    simulation.servers.set(one, fails(1));
    simulation.traffic(rate, 5_000);
    expect(shareOf(one, simulation.traffic(rate, 30_000))).toBeLessThan(0.01);
  });

  it('sends less than 1 % to one that fails in 1 ms from the moment it joins', () => {
    const simulation = new Simulation('p2c-peak-ewma', seed);
    const [one, ...others] = endpointsOf(5) as [Endpoint, ...Endpoint[]];
    simulation.add(others, answers(20));
    simulation.traffic(100, 5_000);
    simulation.add([one], fails(1));
    expect(shareOf(one, simulation.traffic(100, 10_000))).toBeLessThan(0.01);
  });

  it('sends its full share again to one that failed for 30 s, within 20 s of its recovery', () => {
    const { simulation, one } = fiveGood(seed, 100);
    simulation.servers.set(one, fails(1));
    simulation.traffic(100, 30_000);
    simulation.servers.set(one, answers(20));
    simulation.traffic(100, 20_000);
    expect(shareOf(one, simulation.traffic(100, 10_000))).toBeGreaterThan(0.17);
  });

  it('forgives a single failure within seconds', () => {
    const { simulation, one } = fiveGood(seed, 100);
    one.load.observe(simulation.time, 20, false);
    const first = simulation.traffic(100, 3_000);
    expect(shareOf(one, first)).toBeGreaterThan(0.05);
    expect(shareOf(one, simulation.traffic(100, 10_000))).toBeGreaterThan(0.15);
  });

  it('sends less than 1 % into a black hole that only shows by callers giving up', () => {
    const { simulation, one } = fiveGood(seed, 100);
    simulation.servers.set(one, swallows(1_000));
    simulation.traffic(100, 2_000);
    expect(shareOf(one, simulation.traffic(100, 30_000))).toBeLessThan(0.01);
  });

  it('sends a tenth of its share to one that has become ten times slower, at most, and tries it again', () => {
    const { simulation, one } = fiveGood(seed, 100);
    simulation.servers.set(one, answers(200));
    const share = shareOf(one, simulation.traffic(100, 60_000));
    expect(share).toBeLessThan(0.02);
    expect(share).toBeGreaterThan(0);
  });

  it('gives one that joins a single attempt until it has answered, of a hundred at once', () => {
    const { simulation } = fiveGood(seed, 100);
    simulation.run(simulation.time + 1_000);
    const [joined] = endpointsOf(6).slice(5);
    simulation.add([joined!], answers(20));
    for (let count = 0; count < 100; count++) simulation.attempt();
    expect(joined!.inFlight).toBe(1);
    simulation.run(simulation.time + 1_000);
    expect(shareOf(joined!, simulation.traffic(100, 10_000))).toBeGreaterThan(0.13);
  });

  it('spreads a hundred at once by what is in flight where all are new', () => {
    const simulation = new Simulation('p2c-peak-ewma', seed);
    const endpoints = endpointsOf(5);
    simulation.add(endpoints, answers(20));
    for (let count = 0; count < 100; count++) simulation.attempt();
    const inFlight = endpoints.map((endpoint) => endpoint.inFlight);
    expect(Math.max(...inFlight) - Math.min(...inFlight)).toBeLessThan(8);
  });

  it('does not herd to one that was away for half a minute and whose cost has decayed', () => {
    const { simulation, one } = fiveGood(seed, 100);
    simulation.servers.delete(one);
    simulation.add([], answers(20));
    simulation.traffic(100, 30_000);
    simulation.run(simulation.time + 1_000);
    simulation.add([one], answers(20));
    for (let count = 0; count < 100; count++) simulation.attempt();
    expect(one.inFlight).toBeLessThan(30);
  });

  it('keeps what it learnt over a discovery update', () => {
    const { simulation, one } = fiveGood(seed, 100);
    simulation.servers.set(one, answers(500));
    simulation.traffic(100, 2_000);
    simulation.add(endpointsOf(6).slice(5), answers(20));
    expect(shareOf(one, simulation.traffic(100, 3_000))).toBeLessThan(0.02);
  });

  it('goes on trying an endpoint that was slow once and has had a stream open ever since', () => {
    const { simulation, one } = fiveGood(seed, 100);
    one.inFlight++;
    one.load.observe(simulation.time, 2_000, true);
    simulation.traffic(100, 80_000);
    expect(shareOf(one, simulation.traffic(100, 10_000))).toBeGreaterThan(0.05);
  });
});

describe('p2c with weights', () => {
  it.each(['p2c-peak-ewma', 'p2c-least-request', 'least-request'] as const)(
    '%s keeps the shares under any load',
    (policy) => {
      for (const rate of [50, 1_000, 3_000]) {
        const simulation = new Simulation(policy, 1);
        const endpoints = endpointsOf(5, (index) => (index === 4 ? 6 : 1));
        simulation.add(endpoints, answers(20));
        simulation.traffic(rate, 5_000);
        const share = shareOf(endpoints[4]!, simulation.traffic(rate, 10_000));
        expect(share).toBeGreaterThan(0.54);
        expect(share).toBeLessThan(0.66);
      }
    },
  );

  it('leaves the heaviest when it fails', () => {
    const simulation = new Simulation('p2c-peak-ewma', 1);
    const endpoints = endpointsOf(5, (index) => (index === 4 ? 6 : 1));
    simulation.add(endpoints, answers(20));
    simulation.traffic(100, 5_000);
    simulation.servers.set(endpoints[4]!, fails(1));
    simulation.traffic(100, 5_000);
    expect(shareOf(endpoints[4]!, simulation.traffic(100, 30_000))).toBeLessThan(0.01);
  });
});

describe('p2c-least-request', () => {
  it('prefers the endpoint with less in flight, and leaves the busiest out', () => {
    const simulation = new Simulation('p2c-least-request', 1);
    const endpoints = endpointsOf(4);
    endpoints.forEach((endpoint, index) => (endpoint.inFlight = index * 1_000));
    simulation.add(endpoints, answers(20));
    const counts = simulation.traffic(1_000, 5_000);
    expect(counts.get(endpoints[3]!)).toBe(0);
    // Three of six pairs hold the idle one, two of six the next.
    expect(shareOf(endpoints[0]!, counts)).toBeCloseTo(1 / 2, 1);
    expect(shareOf(endpoints[1]!, counts)).toBeCloseTo(1 / 3, 1);
  });

  it.each(['p2c-least-request', 'least-request'] as const)(
    'and %s send little to one of five that fails in 1 ms, equal weights or not',
    (policy) => {
      for (const weight of [1, 3]) {
        const simulation = new Simulation(policy, 1);
        const [one, ...others] = endpointsOf(5, (index) => (index === 0 ? weight : 1)) as [Endpoint, ...Endpoint[]];
        simulation.add([one, ...others], answers(20));
        simulation.traffic(100, 5_000);
        simulation.servers.set(one, fails(1));
        simulation.traffic(100, 5_000);
        expect(shareOf(one, simulation.traffic(100, 30_000))).toBeLessThan(0.02);
        simulation.servers.set(one, answers(20));
        simulation.traffic(100, 30_000);
        expect(shareOf(one, simulation.traffic(100, 20_000))).toBeGreaterThan((weight / (4 + weight)) * 0.8);
      }
    },
  );
});
