/**
 * The simulated figures of docs/balancing.md: `node test/balancer/figures.ts`. Time is simulated, chance is seeded, so
 * they come out the same everywhere.
 */
import type { BalancerPolicy } from '../../src/balancer/index.ts';
import type { Endpoint } from '../../src/model/endpoint.ts';
import { answers, endpointsOf, fails, type Server, shareOf, Simulation, swallows } from './simulation.ts';

const POLICIES: readonly BalancerPolicy[] = [
  'p2c-peak-ewma',
  'p2c-least-request',
  'least-request',
  'round-robin',
  'random',
];
const SEEDS = [1, 2, 3, 4, 5];

function percent(share: number, digits = 2): string {
  return `${(100 * share).toFixed(digits)} %`.padStart(9);
}

/** The share of one of five after it has changed, from the 5th to the 35th second of that. */
function shareAfter(policy: BalancerPolicy, change: Server, rate: number): number {
  const shares = SEEDS.map((seed) => {
    const simulation = new Simulation(policy, seed);
    const endpoints = endpointsOf(5);
    simulation.add(endpoints, answers(20));
    simulation.traffic(rate, 5_000);
    simulation.servers.set(endpoints[0]!, change);
    simulation.traffic(rate, 5_000);
    return shareOf(endpoints[0]!, simulation.traffic(rate, 30_000));
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** The scenario of Linkerd's "Beyond Round Robin": eleven endpoints, one of which takes 2 s from 15 s to 45 s of a minute. */
function withinOneSecond(policy: BalancerPolicy): number {
  let within = 0;
  let all = 0;
  for (const seed of SEEDS) {
    const simulation = new Simulation(policy, seed);
    const endpoints = endpointsOf(11);
    const [one] = endpoints as [Endpoint];
    const noting =
      (server: Server): Server =>
      (now, random) => {
        const outcome = server(now, random);
        all++;
        if (outcome.latency <= 1_000) within++;
        return outcome;
      };
    simulation.add(endpoints, noting(answers(167)));
    simulation.traffic(1_000, 15_000);
    simulation.servers.set(one, noting(answers(2_000)));
    simulation.traffic(1_000, 30_000);
    simulation.servers.set(one, noting(answers(167)));
    simulation.traffic(1_000, 15_000);
  }
  return within / all;
}

console.log('Share of one of five (20 ms) after a change, seconds 5 to 35, at 100 requests a second');
console.log(`${' '.repeat(20)} fails in 1 ms  gives no answer  ten times slower`);
for (const policy of POLICIES) {
  const shares = [fails(1), swallows(1_000), answers(200)].map((change) => shareAfter(policy, change, 100));
  console.log(`${policy.padEnd(20)} ${shares.map((share) => percent(share).padEnd(16)).join(' ')}`);
}
console.log('\nThe same for p2c-peak-ewma and other rates');
for (const rate of [10, 25, 100, 1_000]) {
  const shares = [fails(1), swallows(1_000), answers(200)].map((change) => shareAfter('p2c-peak-ewma', change, rate));
  console.log(`${`${rate}/s`.padEnd(20)} ${shares.map((share) => percent(share).padEnd(16)).join(' ')}`);
}
console.log(
  '\nAnswered within 1 s: eleven endpoints (167 ms), 1,000 requests a second, one at 2 s for half of a minute',
);
for (const policy of POLICIES) console.log(`${policy.padEnd(20)} ${percent(withinOneSecond(policy), 3)}`);
