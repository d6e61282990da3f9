import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RetryBudget } from '../../src/resilience/budget/index.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

const SETTINGS = { ratio: 0.2, floorPerSecond: 1, window: 10_000 };

function budgetAt(clock: ManualClock, settings = SETTINGS): RetryBudget {
  return new RetryBudget(settings, clock);
}

/** Withdraws until it is refused. */
function drain(budget: RetryBudget): number {
  let granted = 0;
  while (budget.withdraw()) granted++;
  return granted;
}

describe('RetryBudget', () => {
  it('grants the floor of a whole window to a service that was just started', () => {
    expect(drain(budgetAt(new ManualClock()))).toBe(10);
  });

  it('grants a fifth of the answers on top of the floor', () => {
    const budget = budgetAt(new ManualClock());
    for (let i = 0; i < 1_000; i++) budget.deposit();
    expect(drain(budget)).toBe(210);
  });

  it('forgets answers that are older than the window', async () => {
    const clock = new ManualClock();
    const budget = budgetAt(clock);
    for (let i = 0; i < 1_000; i++) budget.deposit();
    await clock.advance(5_000);
    expect(budget.balance()).toBe(210);
    await clock.advance(5_001);
    expect(budget.balance()).toBe(10);
  });

  it('gives back what was spent once that is older than the window, and saves up nothing', async () => {
    const clock = new ManualClock(1_900);
    const budget = budgetAt(clock);
    drain(budget);
    await clock.advance(9_999);
    expect(budget.withdraw()).toBe(false);
    await clock.advance(3_600_000);
    expect(drain(budget)).toBe(10);
  });

  it('lets an overdraw through, counts it, and then owes it', () => {
    const budget = budgetAt(new ManualClock());
    drain(budget);
    expect(budget.withdraw(true)).toBe(true);
    for (let i = 0; i < 5; i++) budget.deposit();
    expect(budget.withdraw()).toBe(false);
    for (let i = 0; i < 5; i++) budget.deposit();
    expect(budget.withdraw()).toBe(true);
  });

  it('grants nothing where neither ratio nor floor allow any', () => {
    const budget = budgetAt(new ManualClock(), { ratio: 0, floorPerSecond: 0, window: 10_000 });
    budget.deposit();
    expect(budget.withdraw()).toBe(false);
  });

  it('tells its balance, both counts of the window, and the totals', async () => {
    const clock = new ManualClock();
    const budget = budgetAt(clock);
    for (let i = 0; i < 10; i++) budget.deposit();
    drain(budget);
    expect(budget.snapshot()).toEqual({ balance: 0, answered: 10, spent: 12, retries: 12, exhausted: 1 });
    await clock.advance(20_000);
    expect(budget.snapshot()).toEqual({ balance: 10, answered: 0, spent: 0, retries: 12, exhausted: 1 });
  });
});

describe('RetryBudget, whatever happens', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('wait' as const), by: fc.integer({ min: 1, max: 4_000 }) }),
    fc.record({ kind: fc.constant('answer' as const), by: fc.integer({ min: 1, max: 60 }) }),
    fc.record({ kind: fc.constant('retry' as const), by: fc.integer({ min: 1, max: 60 }) }),
  );
  const settings = fc.record({
    ratio: fc.constantFrom(0, 0.1, 0.2, 1),
    floorPerSecond: fc.constantFrom(0, 0.3, 1, 10),
    window: fc.constantFrom(1_000, 10_000, 60_000),
  });

  it('never grants more, over the window that ends with a retry, than the ratio of its answers and the floor', async () => {
    await fc.assert(
      fc.asyncProperty(
        settings,
        fc.array(step, { maxLength: 80 }),
        fc.integer({ min: 0, max: 5_000 }),
        async (given, steps, start) => {
          const clock = new ManualClock(start);
          const budget = budgetAt(clock, given);
          const answers: number[] = [];
          const retries: number[] = [];
          const within = (instants: number[]): number =>
            instants.filter((at) => at > clock.now() - given.window).length;
          for (const { kind, by } of steps) {
            if (kind === 'wait') await clock.advance((by * given.window) / 10_000);
            for (let i = 0; i < by && kind === 'answer'; i++) {
              budget.deposit();
              answers.push(clock.now());
            }
            for (let i = 0; i < by && kind === 'retry' && budget.withdraw(); i++) {
              retries.push(clock.now());
              const allowed = given.ratio * within(answers) + (given.floorPerSecond * given.window) / 1_000;
              expect(within(retries)).toBeLessThanOrEqual(allowed + 1e-6);
            }
          }
          expect(budget.balance()).toBeGreaterThanOrEqual(0);
          expect(budget.snapshot().retries).toBe(retries.length);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('keeps steady traffic at any failure rate within 1.2 times what is offered and the floor, over every 10 s', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 30, maxLength: 60 }),
        async (failuresPerSlice) => {
          const clock = new ManualClock();
          const budget = budgetAt(clock);
          const sent: number[] = [];
          for (const failures of failuresPerSlice) {
            // 20 calls each second, `failures` of which fail; each failure asks for two retries, which fail likewise.
            let extra = 0;
            for (let call = 0; call < 20; call++) {
              if (call >= failures) budget.deposit();
              else if (budget.withdraw()) extra += budget.withdraw() ? 2 : 1;
            }
            sent.push(20 + extra);
            await clock.advance(1_000);
          }
          for (let from = 0; from + 10 <= sent.length; from++) {
            const total = sent.slice(from, from + 10).reduce((sum, each) => sum + each, 0);
            expect(total).toBeLessThanOrEqual(200 * 1.2 + 10);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
