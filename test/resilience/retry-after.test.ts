import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRetryAfter } from '../../src/resilience/retry/retry-after.ts';

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);

describe('parseRetryAfter', () => {
  it.each([
    ['0', 0],
    ['2', 2_000],
    [' 120 ', 120_000],
    ['1.5', 1_500],
    ['1000000000', 1e12],
    ['Mon, 23 Nov 2026 12:00:30 GMT', 30_000],
    ['Mon, 23 Nov 2026 11:59:30 GMT', 0],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 0],
  ])('reads %j', (header, expected) => {
    expect(parseRetryAfter(header, NOW)).toBe(expected);
  });

  it.each(['-5', '', 'soon', '1e9', '0x10', 'NaN', '2026-11-23', '5 seconds', 'Mon, 23 Foo 2026 12:00:30 GMT'])(
    'makes nothing of %j',
    (header) => {
      expect(parseRetryAfter(header, NOW)).toBeUndefined();
    },
  );

  it('takes the first of several, and nothing of none', () => {
    expect(parseRetryAfter(['3', '9'], NOW)).toBe(3_000);
    expect(parseRetryAfter(undefined, NOW)).toBeUndefined();
  });

  it('reads every HTTP date as the platform does', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_102_444_800 }), (seconds) => {
        expect(parseRetryAfter(new Date(seconds * 1_000).toUTCString(), 0)).toBe(seconds * 1_000);
      }),
    );
  });
});
