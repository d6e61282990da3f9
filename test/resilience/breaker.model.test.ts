import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createEnv } from '../../src/core/env.ts';
import { silentLogger } from '../../src/core/log.ts';
import {
  type Breaker,
  type BreakerPass,
  type BreakerSettings,
  type BreakerState,
  createBreaker,
  type Verdict,
} from '../../src/resilience/breaker/index.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

const SETTINGS: BreakerSettings = { errorRate: 0.5, volume: 4, window: 10_000, open: 1_000, openCap: 3_000 };

interface ModelCall {
  readonly generation: number;
}

/** What the breaker should do, written down as plainly as possible; no jitter. */
class Model {
  state: BreakerState = 'closed';
  now = 1_000;
  #ended: { tick: number; good: boolean }[] = [];
  #generation = 0;
  #until = 0;
  #openings = 0;
  #closedAt = -Infinity;
  #probe: { call: ModelCall; expires: number } | undefined;

  admit(deadline: number): ModelCall | undefined {
    if (this.state === 'open' && this.now >= this.#until) {
      this.state = 'half-open';
      this.#generation++;
    }
    const call = { generation: this.#generation };
    if (this.state === 'closed') return call;
    if (this.state === 'open' || this.#probe !== undefined) return undefined;
    this.#probe = { call, expires: this.now + Math.min(deadline - this.now + 100, SETTINGS.openCap) };
    return call;
  }

  report(call: ModelCall, verdict: Verdict): void {
    if (call.generation !== this.#generation) return;
    if (this.state === 'half-open') {
      this.#probe = undefined;
      this.#generation++;
      if (verdict === 'failure') this.#open();
      if (verdict === 'success') {
        this.state = 'closed';
        this.#closedAt = this.now;
        this.#ended = [];
      }
      return;
    }
    if (verdict === 'ignored') return;
    this.#ended.push({ tick: Math.floor(this.now / 1_000), good: verdict === 'success' });
    const counted = this.#ended.filter((end) => end.tick > Math.floor(this.now / 1_000) - 10);
    const bad = counted.filter((end) => !end.good).length;
    if (verdict === 'failure' && counted.length >= SETTINGS.volume && bad / counted.length >= SETTINGS.errorRate)
      this.#open();
  }

  advance(ms: number): void {
    const target = this.now + ms;
    if (this.#probe !== undefined && this.#probe.expires <= target) {
      this.now = this.#probe.expires;
      this.report(this.#probe.call, 'failure');
    }
    this.now = target;
  }

  #open(): void {
    if (this.now - this.#closedAt >= SETTINGS.window) this.#openings = 0;
    this.#closedAt = Infinity;
    this.state = 'open';
    this.#generation++;
    this.#until = this.now + Math.min(SETTINGS.openCap, SETTINGS.open * 2 ** this.#openings++);
  }
}

function admitted(breaker: Breaker, deadline: number): BreakerPass | undefined {
  try {
    return breaker.admit(deadline);
  } catch {
    return undefined;
  }
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('call' as const), allowed: fc.integer({ min: 0, max: 5_000 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      which: fc.nat(),
      verdict: fc.constantFrom<Verdict>('success', 'failure', 'failure', 'ignored'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 4_000 }) }) },
);

it('does what the model does, whatever starts, ends and hangs in whatever order', async () => {
  const visited = new Set<BreakerState>();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120, size: 'max' }), async (steps) => {
      const clock = new ManualClock();
      const breaker = createBreaker(SETTINGS, createEnv({ clock, random: () => 0, log: silentLogger }), 'orders');
      const model = new Model();
      const admissions: boolean[] = [];
      const expected: boolean[] = [];
      const flying: { pass: BreakerPass; call: ModelCall }[] = [];
      for (const action of steps) {
        if (action.do === 'wait') {
          await clock.advance(action.ms);
          model.advance(action.ms);
        } else if (action.do === 'call') {
          const deadline = clock.now() + action.allowed;
          const call = model.admit(deadline);
          const pass = admitted(breaker, deadline);
          admissions.push(pass !== undefined);
          expected.push(call !== undefined);
          if (pass !== undefined && call !== undefined) flying.push({ pass, call });
        } else if (flying.length > 0) {
          const [ended] = flying.splice(action.which % flying.length, 1);
          await breaker.report(ended!.pass, action.verdict);
          await Promise.resolve();
          model.report(ended!.call, action.verdict);
        }
        visited.add(model.state);
        expect(breaker.state).toBe(model.state);
        expect(admissions.at(-1)).toBe(expected.at(-1));
      }
    }),
    { numRuns: 300 },
  );
  expect(visited).toEqual(new Set<BreakerState>(['closed', 'open', 'half-open']));
});
