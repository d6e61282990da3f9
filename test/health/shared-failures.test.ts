import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/random.ts';
import { outcomeOfStatus } from '../../src/model/outcome.ts';
import { ok, refused, start } from './fixture.ts';

describe('when failures are shared', () => {
  /** Ten endpoints at `rate` attempts a second each, each failing with its own probability, for `seconds`. */
  async function run(failing: (index: number) => number, status: number, rate: number, seconds: number, seed: number) {
    const random = seededRandom(seed);
    const { clock, detector, endpoints, tell } = start(10, {}, random);
    const ejections: { index: number; at: number }[] = [];
    const begun = clock.now();
    detector.onChange((endpoint) => {
      if (endpoint.state === 'ejected') ejections.push({ index: endpoints.indexOf(endpoint), at: clock.now() - begun });
    });
    for (let ms = 0; ms < seconds * 1_000; ms += 1_000 / rate) {
      endpoints.forEach((endpoint, index) => {
        if (endpoint.state !== 'ejected') tell(endpoint, random() < failing(index) ? outcomeOfStatus(status, 1) : ok);
      });
      await clock.jump(1_000 / rate);
    }
    return ejections;
  }

  it.each([500, 503])('all ten at 60 %% errors with %i eject nobody', async (status) => {
    for (const seed of [1, 2, 3]) expect(await run(() => 0.6, status, 20, 60, seed)).toEqual([]);
  });

  it.each([500, 503])('the only one of ten at 60 %% errors with %i is out within three seconds', async (status) => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const ejections = await run((index) => (index === 3 ? 0.6 : 0), status, 20, 3, seed);
      expect(ejections.map(({ index }) => index)).toEqual([3]);
    }
  });

  it('one at 60 % is out although all others fail in one of twenty, and none of these is', async () => {
    for (const seed of [1, 2, 3]) {
      const ejections = await run((index) => (index === 3 ? 0.6 : 0.05), 503, 20, 10, seed);
      expect(new Set(ejections.map(({ index }) => index))).toEqual(new Set([3]));
    }
  });

  it('many endpoints that are down are all found, though each sibling has answered but once', () => {
    const { endpoints, tell, states } = start(100);
    for (const endpoint of endpoints.slice(50)) tell(endpoint, ok);
    for (const endpoint of endpoints.slice(0, 50)) tell(endpoint, refused, 5);
    expect(states()).toBe('x'.repeat(50) + '.'.repeat(50));
  });
});
