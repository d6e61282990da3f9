import { type Clock, systemClock } from './clock.ts';
import { defaultLogger, type Logger } from './log.ts';
import { type Random, systemRandom } from './random.ts';
import { Timers } from './timers.ts';

/** What every part of a mesh shares: time, chance, and where to say something. */
export interface Env {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  readonly log: Logger;
}

/** An env of the process's own clock and generator, but for what is given. */
export function createEnv(given: Partial<Omit<Env, 'timers'>> = {}): Env {
  const clock = given.clock ?? systemClock;
  return { clock, random: given.random ?? systemRandom, timers: new Timers(clock), log: given.log ?? defaultLogger() };
}
