import { describe, expect, it } from 'vitest';
import { createEnv } from '../../src/core/env.ts';
import { MeshError } from '../../src/core/errors.ts';
import { silentLogger } from '../../src/core/log.ts';
import { seededRandom } from '../../src/core/random.ts';
import type { Call } from '../../src/model/call.ts';
import type { Exchange } from '../../src/model/exchange.ts';
import { compose } from '../../src/model/service.ts';
import { RetryBudget } from '../../src/resilience/budget/index.ts';
import { deadlineLayer } from '../../src/resilience/deadline/index.ts';
import { retryLayer } from '../../src/resilience/retry/index.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { fakeCall, FakeExchange } from '../kit/fakes.ts';

const RATE = 200;
const WINDOW = 10;

/** How a backend fails. */
const FAILURES: Record<string, (call: Call, clock: ManualClock) => Promise<Exchange>> = {
  'answers 503': () => Promise.resolve(new FakeExchange(503)),
  'resets every connection': () => Promise.reject(new MeshError('INMESH_RESET', 'reset')),
  'answers nothing': (call, clock) =>
    new Promise((_, reject) => {
      call.signal.listen({ onAbort: reject });
      clock.schedule(300, () => reject(new MeshError('INMESH_ATTEMPT_TIMEOUT', 'no answer')));
    }),
};

/** Offers `RATE` calls per second for each entry of `healthy`; counts what was sent and what succeeded, by second. */
async function run(
  failure: (call: Call, clock: ManualClock) => Promise<Exchange>,
  share: readonly number[],
): Promise<{ sent: number[]; succeeded: number[] }> {
  const clock = new ManualClock();
  const env = createEnv({ clock, random: seededRandom(1), log: silentLogger });
  const chance = seededRandom(2);
  const budget = new RetryBudget({ ratio: 0.2, floorPerSecond: 1, window: WINDOW * 1_000 }, clock);
  const sent: number[] = [];
  const succeeded: number[] = [];
  let failing = 0;
  const service = compose(
    [
      deadlineLayer({ deadline: 10_000, env }),
      retryLayer({ max: 2, backoff: { base: 25, cap: 1_000 }, replayLimit: 65_536, budget, env }),
    ],
    (call) => {
      sent[sent.length - 1]!++;
      return chance() < failing ? failure(call, clock) : Promise.resolve(new FakeExchange(200));
    },
  );
  for (const now of share) {
    failing = now;
    sent.push(0);
    const second = succeeded.push(0) - 1;
    for (let tenth = 0; tenth < 10; tenth++) {
      for (let i = 0; i < RATE / 10; i++) {
        const call = fakeCall({ start: clock.now() });
        service(call).then(
          (exchange) => {
            env.timers.remove(call.signal);
            if (exchange.statusCode === 200) succeeded[second]!++;
          },
          () => env.timers.remove(call.signal),
        );
      }
      await clock.advance(100);
    }
  }
  await clock.advance(20_000);
  expect(env.timers.size).toBe(0);
  return { sent, succeeded };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
const seconds = (length: number, failing: number): number[] => new Array<number>(length).fill(failing);

describe('42 retry-storm-100%', () => {
  it.each(Object.keys(FAILURES))(
    'a backend that %s is sent no more than 1.02 times what is offered, after one window',
    async (name) => {
      const { sent, succeeded } = await run(FAILURES[name]!, [...seconds(10, 0), ...seconds(30, 1), ...seconds(5, 0)]);
      // Whatever was due to the ten good seconds is spent in the first window of the outage…
      expect(sum(sent.slice(10, 20))).toBeLessThanOrEqual(RATE * WINDOW * 1.2 + 10);
      // …and after it there is only the floor.
      for (let from = 20; from <= 30; from++) {
        expect(sum(sent.slice(from, from + WINDOW)) / (RATE * WINDOW)).toBeLessThanOrEqual(1.02);
      }
      expect(sum(succeeded.slice(11, 39))).toBe(0);
      expect(sum(succeeded.slice(41))).toBe(RATE * 4);
    },
  );

  it.each([0.05, 0.2, 0.5, 0.9])(
    'at a share of %d failures no 10 s see more than 1.2 times what is offered and the floor',
    async (share) => {
      const { sent } = await run(FAILURES['answers 503']!, [...seconds(12, 0), ...seconds(18, share)]);
      for (let from = 0; from + WINDOW <= sent.length; from++) {
        expect(sum(sent.slice(from, from + WINDOW))).toBeLessThanOrEqual(RATE * WINDOW * 1.2 + 10);
      }
    },
  );
});
