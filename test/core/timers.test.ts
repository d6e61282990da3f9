import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock, Timer } from '../../src/core/clock.ts';
import { type TimerNode, Timers } from '../../src/core/timers.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

class Node implements TimerNode {
  due = 0;
  prev: TimerNode | undefined = undefined;
  next: TimerNode | undefined = undefined;
  readonly fired: number[] = [];
  readonly #clock: Clock;
  readonly #task: () => void;

  constructor(clock: Clock, task: () => void = () => {}) {
    this.#clock = clock;
    this.#task = task;
  }

  fire(): void {
    this.fired.push(this.#clock.now());
    this.#task();
  }
}

/** A manual clock that knows which of its timers would keep a process alive. */
class RefCountingClock extends ManualClock {
  readonly alive: Set<object> = new Set();

  override schedule(delay: number, task: () => void): Timer {
    const key = {};
    const timer = super.schedule(delay, () => {
      this.alive.delete(key);
      task();
    });
    return {
      cancel: () => {
        this.alive.delete(key);
        timer.cancel();
      },
      ref: () => void this.alive.add(key),
      unref: () => void this.alive.delete(key),
    };
  }
}

const TICK = 8;

/** Delays in the past, within a tick, within the wheel and beyond its 16 s. */
const delays = fc.oneof(
  fc.integer({ min: -50, max: 50 }),
  fc.double({ min: 0, max: 2_000, noNaN: true }),
  fc.integer({ min: 15_000, max: 70_000 }),
);
const steps = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), node: fc.nat(9), delay: delays }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), node: fc.nat(9), delay: fc.constant(0) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('advance' as const, 'jump' as const),
      node: fc.constant(0),
      delay: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40_000 })),
    }),
  },
);

describe('Timers', () => {
  it('fires each node once, never early, at most a tick late, and never one that was removed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 60 }), async (script) => {
        const clock = new RefCountingClock();
        const timers = new Timers(clock);
        const nodes = Array.from({ length: 10 }, () => new Node(clock));
        const waiting = new Map<Node, number>();
        for (const { kind, node: index, delay } of script) {
          const node = nodes[index]!;
          let faults: Node[] = [];
          node.fired.length = 0;
          if (kind === 'add') {
            const due = clock.now() + delay;
            timers.add(node, due);
            waiting.set(node, Math.max(due, clock.now()));
          } else if (kind === 'remove') {
            timers.remove(node);
            waiting.delete(node);
          } else {
            for (const other of nodes) other.fired.length = 0;
            await clock[kind](delay);
            const now = clock.now();
            const late = kind === 'jump' ? delay : TICK;
            faults = nodes.filter((other) => {
              const due = waiting.get(other) ?? Infinity;
              const [firedAt = Infinity] = other.fired;
              if (firedAt < Infinity) waiting.delete(other);
              const earlyOrForNothing = firedAt < due;
              const lateOrNotAtAll = due + late <= now && firedAt > due + late;
              return other.fired.length > 1 || earlyOrForNothing || lateOrNotAtAll;
            });
          }
          expect(faults).toEqual([]);
          expect(timers.size).toBe(waiting.size);
          expect(clock.alive.size).toBe(waiting.size > 0 ? 1 : 0);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('lets a node that fires take out another that is due in the same turn', async () => {
    const clock = new ManualClock();
    const timers = new Timers(clock);
    const pair: Node[] = [];
    const takeOutTheOther = (): void => pair.forEach((node) => timers.remove(node));
    pair.push(new Node(clock, takeOutTheOther), new Node(clock, takeOutTheOther));
    for (const node of pair) timers.add(node, clock.now() + 10);
    await clock.advance(100);
    expect(pair.flatMap((node) => node.fired)).toHaveLength(1);
    expect(timers.size).toBe(0);
  });

  it('lets a node that fires put itself, and another that is due, back', async () => {
    const clock = new ManualClock();
    const timers = new Timers(clock);
    const pair: Node[] = [];
    const postponeAll = (): void => {
      if (clock.now() < 1_200) for (const node of pair) timers.add(node, clock.now() + 100);
    };
    pair.push(new Node(clock, postponeAll), new Node(clock), new Node(clock));
    for (const node of pair) timers.add(node, clock.now() + 10);
    await clock.advance(1_000);
    expect(pair[0]!.fired).toEqual([1_010, 1_110, 1_210]);
    for (const node of pair.slice(1)) expect(node.fired.at(-1)).toBe(1_210);
    expect(timers.size).toBe(0);
  });

  it('fires the others in the next turn when one throws', async () => {
    const clock = new ManualClock();
    const timers = new Timers(clock);
    const nodes = [new Node(clock), new Node(clock, () => throwing()), new Node(clock)];
    for (const node of nodes) timers.add(node, clock.now() + 10);
    await expect(clock.advance(20)).rejects.toThrow('listener');
    await clock.advance(20);
    expect(nodes.map((node) => node.fired.length)).toEqual([1, 1, 1]);
  });

  it('fires what is overdue at once, not in the turn of add, and without spinning', async () => {
    const clock = new ManualClock();
    const timers = new Timers(clock);
    const [first, second] = [new Node(clock), new Node(clock)];
    timers.add(first, clock.now() + 500);
    await clock.advance(1_000);
    timers.add(second, 3);
    expect(second.fired).toEqual([]);
    await clock.advance(1);
    expect(second.fired).toEqual([2_000]);
    expect(clock.pending).toBe(0);
  });

  it('never keeps what is due at Infinity', () => {
    const clock = new ManualClock();
    const timers = new Timers(clock);
    const node = new Node(clock);
    timers.add(node, Infinity);
    expect([timers.size, clock.pending]).toEqual([0, 0]);
    timers.remove(node);
    timers.add(node, clock.now() + 5);
    timers.add(node, Infinity);
    expect(timers.size).toBe(0);
  });

  it('sets few clock timers for many nodes that come and go before they are due', async () => {
    const clock = new ManualClock();
    let set = 0;
    const timers = new Timers({
      now: () => clock.now(),
      wallTime: () => clock.wallTime(),
      schedule: (delay, task) => {
        set++;
        return clock.schedule(delay, task);
      },
    });
    for (let round = 0; round < 100; round++) {
      const nodes = Array.from({ length: 50 }, () => new Node(clock));
      for (const node of nodes) timers.add(node, clock.now() + 1_000);
      await clock.advance(50);
      for (const node of nodes) timers.remove(node);
    }
    expect(set).toBeLessThan(20);
  });
});

function throwing(): never {
  throw new Error('listener');
}
