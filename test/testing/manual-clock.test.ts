import { describe, expect, it } from 'vitest';
import { ManualClock, seededRandom } from '../../src/testing/index.ts';

describe('ManualClock', () => {
  it('stands still until it is advanced, and then runs what is due at its own instant, earliest first', async () => {
    const clock = new ManualClock(0);
    const seen: [string, number][] = [];
    clock.schedule(20, () => seen.push(['b', clock.now()]));
    clock.schedule(10, () => seen.push(['a', clock.now()]));
    clock.schedule(10, () => seen.push(['a, scheduled later', clock.now()]));
    clock.schedule(31, () => seen.push(['not yet', clock.now()]));
    expect(seen).toEqual([]);
    await clock.advance(30);
    expect(seen).toEqual([
      ['a', 10],
      ['a, scheduled later', 10],
      ['b', 20],
    ]);
    expect([clock.now(), clock.pending]).toEqual([30, 1]);
  });

  it('lets promises settle between two timers', async () => {
    const clock = new ManualClock(0);
    const seen: string[] = [];
    clock.schedule(1, () => void Promise.resolve().then(() => seen.push('promise')));
    clock.schedule(2, () => seen.push('timer'));
    await clock.advance(2);
    expect(seen).toEqual(['promise', 'timer']);
  });

  it('runs late and in one go what fell due in a jump', async () => {
    const clock = new ManualClock(0);
    const seen: number[] = [];
    clock.schedule(10, () => seen.push(clock.now()));
    clock.schedule(20, () => seen.push(clock.now()));
    await clock.jump(1_000);
    expect(seen).toEqual([1_000, 1_000]);
  });

  it('moves the wall time along, and runs nothing that was cancelled', async () => {
    const clock = new ManualClock(500, 1_000_000);
    let ran = false;
    clock.schedule(5, () => (ran = true)).cancel();
    await clock.advance(10);
    expect([clock.now(), clock.wallTime(), ran]).toEqual([510, 1_000_010, false]);
  });
});

describe('seededRandom', () => {
  it('repeats itself from the same seed, differs between seeds, and covers [0, 1) evenly', () => {
    const draw = (seed: number): number[] => {
      const random = seededRandom(seed);
      return Array.from({ length: 10_000 }, () => random());
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)[0]).not.toBe(draw(2)[0]);
    for (let tenth = 0; tenth < 10; tenth++) {
      const within = draw(3).filter((value) => Math.floor(value * 10) === tenth).length;
      // Standard deviation 30.
      expect(Math.abs(within - 1_000)).toBeLessThan(130);
    }
  });
});
