import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lot } from '../../src/balancer/lot.ts';
import { endpointsOf } from './simulation.ts';

const STEPS = 20_000;

/** How often each endpoint is drawn when chance runs evenly through all of [0, 1). */
function frequencies(weights: readonly number[]): number[] {
  let step = 0;
  const lot = new Lot(
    endpointsOf(weights.length, (index) => weights[index]!),
    () => (step++ + 0.5) / STEPS,
  );
  const counts = lot.endpoints.map(() => 0);
  while (step < STEPS) counts[lot.draw([])]!++;
  return counts.map((count) => count / STEPS);
}

describe('Lot', () => {
  it('draws each endpoint exactly as often as its weight says', () => {
    const weights = fc.array(
      fc.oneof(fc.integer({ min: 1, max: 10 }), fc.double({ min: 0.001, max: 1_000, noNaN: true })),
      {
        minLength: 1,
        maxLength: 20,
      },
    );
    fc.assert(
      fc.property(weights, (given) => {
        const whole = given.reduce((sum, weight) => sum + weight, 0);
        frequencies(given).forEach((frequency, index) => {
          expect(Math.abs(frequency - given[index]! / whole)).toBeLessThan(0.004);
        });
      }),
      { numRuns: 50 },
    );
  });

  it('draws another of n by weight, never the same, however heavy that is', () => {
    const random = (): number => 0.3;
    const lot = new Lot(
      endpointsOf(3, (index) => (index === 0 ? 1e9 : 1)),
      random,
    );
    expect(lot.draw([])).toBe(0);
    expect(lot.drawOther(0, [])).not.toBe(0);
  });

  it('knows no shares where all weigh the same', () => {
    expect(
      new Lot(
        endpointsOf(3, () => 7),
        Math.random,
      ).shares,
    ).toBeUndefined();
    expect(
      new Lot(
        endpointsOf(3, () => 0),
        Math.random,
      ).shares,
    ).toBeUndefined();
    expect(
      new Lot(
        endpointsOf(3, (index) => index),
        Math.random,
      ).endpoints,
    ).toHaveLength(2);
  });
});
