/**
 * What a pick costs, in ns: `node test/bench/pick.ts`. The pick alone, given the present instant, as the mesh has it at
 * hand; the pick where it must ask the clock; pick and `done`; then the building of the picker. Endpoints have history
 * and 32 attempts are in flight. Every policy has a process of its own. Printed is the best round: what else runs on the
 * machine only adds.
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
const ROUNDS = 15;
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

interface Cost {
  readonly given: number;
  readonly alone: number;
  readonly both: number;
}

/** ns that `step` takes. */
function timed(steps: number, step: (count: number) => void): number {
  const begun = process.hrtime.bigint();
  for (let count = 0; count < steps; count++) step(count);
  return Number(process.hrtime.bigint() - begun) / steps;
}

function measure(policy: BalancerPolicy, endpoints: Endpoint[], picks: number): Cost {
  const picker = newPicker(policy, endpoints, env);
  const pending: Pick[] = Array.from({ length: IN_FLIGHT }, () => picker.pick(attempt)!);
  const both = timed(picks, (count) => {
    const slot = count % IN_FLIGHT;
    pending[slot]!.done({ kind: 'success', latency: 5 + (count & 15) });
    pending[slot] = picker.pick(attempt)!;
  });
  for (const pick of pending) pick.done({ kind: 'success', latency: 5 });
  const alone = timed(picks, (count) => (pending[count % IN_FLIGHT] = picker.pick(attempt)!));
  for (const endpoint of endpoints) endpoint.inFlight = 0;
  const now = env.clock.now() + 50;
  const given = timed(picks, (count) => (pending[count % IN_FLIGHT] = picker.pick(attempt, now)!));
  for (const endpoint of endpoints) endpoint.inFlight = 0;
  return { given, alone, both };
}

function report(policy: BalancerPolicy): void {
  for (const weighted of [false, true]) {
    for (const count of [10, 1_000, 10_000]) {
      const endpoints = someEndpoints(count, weighted);
      const picks = policy === 'least-request' ? Math.ceil(30_000_000 / (count + 150)) : 100_000;
      measure(policy, endpoints, picks);
      const rounds = Array.from({ length: ROUNDS }, () => measure(policy, endpoints, picks));
      const builds = Array.from({ length: ROUNDS }, () => {
        return timed(1, () => newPicker(policy, endpoints, env)) / 1e6;
      });
      const costs = (['given', 'alone', 'both'] as const).map((field) =>
        Math.min(...rounds.map((round) => round[field])),
      );
      const label = `${policy} × ${count}${weighted ? ', weighted' : ''}`.padEnd(38);
      const figures = costs.map((cost) => cost.toFixed(0).padStart(7)).join('');
      console.log(
        `${label}${figures}  ${Math.min(...builds)
          .toFixed(2)
          .padStart(5)} ms`,
      );
    }
  }
}

const [, script, given] = process.argv;
if (given === undefined) {
  console.log('ns per pick: given the instant, asking the clock, with done; build of the picker. Weights are 1 to 5');
  for (const policy of POLICIES) execFileSync(process.execPath, [script!, policy], { stdio: 'inherit' });
} else {
  report(given as BalancerPolicy);
}
