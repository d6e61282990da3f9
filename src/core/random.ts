/** Where chance comes from: a number in [0, 1). Seeded in tests, so that every run can be repeated. */
export type Random = () => number;

/** The process's own generator. For jitter and sampling only; nothing secret is drawn from it. */
export const systemRandom: Random = Math.random;

/**
 * A repeatable generator (mulberry32, by Tommy Ettinger): the same seed gives the same sequence on every machine.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A whole number in [0, bound). */
export function randomInt(random: Random, bound: number): number {
  return Math.floor(random() * bound);
}
