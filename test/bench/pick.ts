/**
 * What a pick costs, in ns: `node test/bench/pick.ts`. First the pick alone, then with its `done`, then the building of
 * the picker. Endpoints have history and 32 attempts are in flight. Every policy has a process of its own, as a service
 * has; printed is the median of the rounds.
 */
import { execFileSync } from 'node:child_process';
import { createEnv } from '../../src/core/env.ts';
import { silentLogger } from '../../src/core/log.ts';
import { type BalancerPolicy, newPicker, type Pick } from '../../src/balancer/index.ts';
import { Endpoint } from '../../src/model/endpoint.ts';

const POLICIES: readonly BalancerPolicy[] = [
  'p2c-peak-ewma',
  'p2c-least-request',
  'least-request',
  'round-robin',
  'random',
];
const ROUNDS = 7;
const IN_FLIGHT = 32;
const env = createEnv({ log: silentLogger });
const attempt = { tried: [] };

function someEndpoints(count: number, weighted: boolean): Endpoint[] {
  return Array.from({ length: count }, (_, index) => {
    const weight = weighted ? 1 + (index % 5) : 1;
    const endpoint = new Endpoint({ address: `10.0.${index >> 8}.${index & 255}:80`, weight });
    endpoint.load.observe(env.clock.now(), 5 + (index % 17), index % 97 !== 0);
    return endpoint;
  });
}

/** ns for a pick alone, and for a pick with its `done`. */
function measure(policy: BalancerPolicy, endpoints: Endpoint[], picks: number): { pick: number; both: number } {
  const picker = newPicker(policy, endpoints, env);
  const pending: Pick[] = Array.from({ length: IN_FLIGHT }, () => picker.pick(attempt)!);
  let begun = process.hrtime.bigint();
  for (let count = 0; count < picks; count++) {
    const slot = count % IN_FLIGHT;
    pending[slot]!.done({ kind: 'success', latency: 5 + (count & 15) });
    pending[slot] = picker.pick(attempt)!;
  }
  const both = Number(process.hrtime.bigint() - begun) / picks;
  for (const pick of pending) pick.done({ kind: 'success', latency: 5 });
  begun = process.hrtime.bigint();
  for (let count = 0; count < picks; count++) pending[count % IN_FLIGHT] = picker.pick(attempt)!;
  const pick = Number(process.hrtime.bigint() - begun) / picks;
  for (const endpoint of endpoints) endpoint.inFlight = 0;
  return { pick, both };
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function report(policy: BalancerPolicy): void {
  for (const weighted of [false, true]) {
    for (const count of [10, 1_000, 10_000]) {
      const endpoints = someEndpoints(count, weighted);
      const picks = policy === 'least-request' ? Math.ceil(30_000_000 / (count + 150)) : 200_000;
      measure(policy, endpoints, picks);
      const rounds = Array.from({ length: ROUNDS }, () => measure(policy, endpoints, picks));
      const builds = Array.from({ length: ROUNDS }, () => {
        const begun = process.hrtime.bigint();
        newPicker(policy, endpoints, env);
        return Number(process.hrtime.bigint() - begun) / 1e6;
      });
      const pick = median(rounds.map((round) => round.pick)).toFixed(0);
      const both = median(rounds.map((round) => round.both)).toFixed(0);
      const label = `${policy} × ${count}${weighted ? ', weighted' : ''}`.padEnd(38);
      console.log(`${label} ${pick.padStart(6)}  (${both.padStart(6)})  ${median(builds).toFixed(2)} ms`);
    }
  }
}

const [, script, given] = process.argv;
if (given === undefined) {
  console.log('ns per pick (pick and done), build of the picker; weighted: 1 to 5');
  for (const policy of POLICIES) execFileSync(process.execPath, [script!, policy], { stdio: 'inherit' });
} else {
  report(given as BalancerPolicy);
}
