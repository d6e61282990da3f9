import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SlidingWindow } from '../../src/core/window.ts';

const LENGTH = 1_000;
const BUCKET = LENGTH / 10;

describe('SlidingWindow', () => {
  it('counts what a list of all samples would count within the last ten buckets', () => {
    const sample = fc.record({
      after: fc.oneof(fc.nat(30), fc.nat(400), fc.nat(3_000), fc.double({ min: 0, max: 99, noNaN: true })),
      good: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.nat(1e9), fc.array(sample, { maxLength: 80 }), (start, samples) => {
        const window = new SlidingWindow(LENGTH);
        const seen: { at: number; good: boolean }[] = [];
        let now = start;
        for (const { after, good } of samples) {
          now += after;
          const kept = (): typeof seen =>
            seen.filter(({ at }) => Math.floor(now / BUCKET) - Math.floor(at / BUCKET) < 10);
          expect(window.bad(now)).toBe(kept().filter((entry) => !entry.good).length);
          seen.push({ at: now, good });
          window.record(now, good);
          expect(window.good(now)).toBe(kept().filter((entry) => entry.good).length);
        }
      }),
    );
  });

  it('keeps a sample for nine tenths of its length at least, and never longer than its length', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), (at) => {
        const window = new SlidingWindow(LENGTH);
        window.record(at, false);
        expect(window.bad(at + LENGTH * 0.9 - 0.001)).toBe(1);
        expect(window.bad(at + LENGTH + 0.001)).toBe(0);
      }),
    );
  });

  it('forgets everything when it is reset, and counts on', () => {
    const window = new SlidingWindow(LENGTH);
    window.record(50, true);
    window.record(150, false);
    window.reset();
    expect([window.good(160), window.bad(160)]).toEqual([0, 0]);
    window.record(170, false);
    expect([window.good(170), window.bad(1_060)]).toEqual([0, 1]);
  });

  it('believes no clock that goes back', () => {
    const window = new SlidingWindow(LENGTH);
    window.record(5_000, true);
    window.record(4_000, true);
    expect(window.good(5_000)).toBe(2);
  });
});
