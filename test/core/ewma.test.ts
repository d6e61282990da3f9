import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PeakEwma } from '../../src/core/ewma.ts';

const DECAY = 10_000;

describe('PeakEwma', () => {
  it('knows nothing and costs nothing at first', () => {
    const load = new PeakEwma();
    expect([load.observed, load.cost(1_000), load.successRate(1_000)]).toEqual([false, 0, 1]);
  });

  it('believes a slower answer at once, and faster ones only as time passes', () => {
    const load = new PeakEwma();
    load.observe(0, 20, true);
    load.observe(100, 300, true);
    expect(load.cost(100)).toBe(300);
    load.observe(100 + DECAY, 20, true);
    expect(load.cost(100 + DECAY)).toBeCloseTo(300 / Math.E + 20 * (1 - 1 / Math.E), 9);
  });

  it('decays to 1/e within ten seconds of nothing, and reading does not change it', () => {
    const load = new PeakEwma();
    load.observe(0, 500, true);
    for (let now = 0; now < DECAY; now += 7) load.cost(now);
    expect(load.cost(DECAY)).toBeCloseTo(500 / Math.E, 9);
  });

  it('decays anew from where an attempt began', () => {
    const load = new PeakEwma();
    load.observe(0, 500, true);
    load.begin(3 * DECAY);
    expect(load.cost(3 * DECAY)).toBe(500);
    expect(load.cost(4 * DECAY)).toBeCloseTo(500 / Math.E, 9);
  });

  it('averages an answer with what had decayed by then, whatever began in between', () => {
    const load = new PeakEwma();
    load.observe(0, 500, true);
    load.begin(3 * DECAY);
    load.observe(3 * DECAY, 20, true);
    expect(load.cost(3 * DECAY)).toBeCloseTo(500 * Math.exp(-3) + 20 * (1 - Math.exp(-3)), 9);
  });

  it('costs more with every failure in a row, each weighing more than the one before', () => {
    const load = new PeakEwma();
    load.observe(0, 20, true);
    const costs = Array.from({ length: 5 }, () => {
      load.observe(0, 1, false);
      return load.cost(0);
    });
    const raises = costs.map((cost, index) => cost / (costs[index - 1] ?? 20));
    expect(raises[0]).toBeCloseTo(1 / 0.9 ** 3, 9);
    for (let index = 1; index < raises.length; index++) expect(raises[index]).toBeGreaterThan(raises[index - 1]!);
  });

  it('is out a thousandfold at most, and again below its former cost within twelve seconds', () => {
    const load = new PeakEwma();
    load.observe(0, 20, true);
    for (let count = 0; count < 1_000; count++) load.observe(0, 20, false);
    expect(load.cost(0)).toBeCloseTo(20_000, 6);
    expect(load.cost(11_000)).toBeGreaterThan(20);
    expect(load.cost(12_000)).toBeLessThan(20);
  });

  it('forgives as attempts succeed and as time passes', () => {
    const load = new PeakEwma();
    load.observe(0, 20, false);
    expect(load.successRate(0)).toBeCloseTo(0.9, 9);
    load.observe(0, 20, true);
    expect(load.successRate(0)).toBeCloseTo(0.91, 9);
    expect(load.successRate(DECAY)).toBeCloseTo(1 - 0.09 / Math.E, 9);
  });

  it('takes an attempt that was given up for as slow as it was waited for, and never for faster', () => {
    const load = new PeakEwma();
    load.observe(0, 20, true);
    load.atLeast(0, 5);
    expect(load.cost(0)).toBe(20);
    load.atLeast(0, 700);
    expect([load.cost(0), load.successRate(0)]).toEqual([700, 1]);
  });

  it('never lets a failure make an endpoint look faster, whatever came before', () => {
    const event = fc.record({ after: fc.nat(20_000), latency: fc.nat(5_000), success: fc.boolean() });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), fc.nat(5_000), (events, latency) => {
        const load = new PeakEwma();
        let now = 0;
        for (const { after, latency: took, success } of events) load.observe((now += after), took, success);
        const before = load.cost(now);
        load.observe(now, latency, false);
        expect(load.cost(now)).toBeGreaterThanOrEqual(before);
        expect(load.successRate(now)).toBeGreaterThanOrEqual(0);
        expect(load.successRate(now)).toBeLessThanOrEqual(1);
      }),
    );
  });
});
