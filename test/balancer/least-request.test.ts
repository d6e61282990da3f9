import { expect, it } from 'vitest';
import { answers, endpointsOf, Simulation } from './simulation.ts';

it.each([3, 40])('picks the least of %i exactly, and each of several with equally few as often', (count) => {
  const simulation = new Simulation('least-request', 2);
  const endpoints = endpointsOf(count);
  endpoints.forEach((endpoint, index) => (endpoint.inFlight = index < 2 ? 3 : 4 + index));
  simulation.add(endpoints, answers(20));
  const chosen = Array.from({ length: 1_000 }, () => {
    const pick = simulation.picker.pick({ tried: [] })!;
    pick.done({ kind: 'success', latency: 1 });
    return pick.endpoint;
  });
  expect(new Set(chosen)).toEqual(new Set(endpoints.slice(0, 2)));
  const toFirst = chosen.filter((endpoint) => endpoint === endpoints[0]).length;
  expect(toFirst).toBeGreaterThan(420);
  expect(toFirst).toBeLessThan(580);
});

it('never lets one have two more in flight than another', () => {
  const simulation = new Simulation('least-request', 2);
  const endpoints = endpointsOf(30);
  simulation.add(endpoints, answers(20));
  for (let time = 0; time < 300; time++) {
    simulation.attempt();
    const inFlight = endpoints.map((endpoint) => endpoint.inFlight);
    expect(Math.max(...inFlight) - Math.min(...inFlight)).toBeLessThan(2);
  }
});
