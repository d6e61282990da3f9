import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Duration, formatDuration, parseDuration, tryParseDuration } from '../../src/core/duration.ts';

describe('a duration', () => {
  it.each([
    ['250ms', 250],
    ['2s', 2_000],
    ['1.5s', 1_500],
    ['1m', 60_000],
    ['1h', 3_600_000],
    ['0s', 0],
    [0, 0],
    [12.5, 12.5],
  ] as const)('%j is %d ms', (duration, ms) => {
    expect(parseDuration(duration)).toBe(ms);
  });

  it.each([
    '',
    '5',
    's',
    '-1s',
    '1 s',
    ' 1s',
    '1s ',
    '1d',
    '1S',
    '1e3ms',
    '.5s',
    '1.s',
    '1s\n',
    '1constructor',
    -1,
    NaN,
    Infinity,
    null,
    undefined,
    {},
    ['1s'],
  ])('%j is none', (value) => {
    expect(tryParseDuration(value)).toBeUndefined();
  });

  it('that is none is refused with what it should be', () => {
    expect(() => parseDuration('5' as Duration)).toThrow(/"5" is no duration; write milliseconds or '250ms'/);
    expect(() => parseDuration(1n as unknown as Duration)).toThrow(RangeError);
  });

  it('with a number of digits that no number holds is none', () => {
    expect(tryParseDuration(`${'9'.repeat(400)}s`)).toBeUndefined();
  });

  it('reads what it is written as, to the precision that is shown', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e8 }), (ms) => {
        const read = parseDuration(formatDuration(ms) as Duration);
        expect(Math.abs(read - ms)).toBeLessThanOrEqual(ms < 1_000 ? 0.5 : ms < 60_000 ? 5.001 : 300.001);
      }),
    );
  });

  it.each([
    [999.4, '999ms'],
    [999.6, '1s'],
    [1_500, '1.5s'],
    [59_990, '59.99s'],
    [59_999, '1m'],
    [90_000, '1.5m'],
  ] as const)('of %d ms is written %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
