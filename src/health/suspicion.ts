/** Outcomes of some attempts. */
export interface Counts {
  readonly good: number;
  readonly bad: number;
}

/** Below this probability a streak is no coincidence. Small, for at a thousand attempts a second it is asked often. */
const COINCIDENCE = 1e-8;
/** What is added to the siblings' failures, so that two successes are believed and one is not quite. */
const DOUBT = 0.06;
/** An endpoint's success rate must lie this far below its siblings', however sure the difference is. */
const MARGIN = 0.1;
/** … and this many standard errors. More than the usual two or three, for it is asked at every failure. */
const SIGMAS = 4.5;

/**
 * Whether chance alone, at the rate at which siblings fail, would hardly bring `length` failures in a row. Of siblings
 * without any outcome the best is assumed: to try them costs little.
 */
export function isStreakUnlike(length: number, { good, bad }: Counts): boolean {
  const total = good + bad;
  return total === 0 || ((bad + DOUBT) / (total + 1)) ** length < COINCIDENCE;
}

/** Whether an endpoint succeeds clearly less often than its siblings do: a test of two proportions, and a margin. */
export function isClearlyWorse(own: Counts, siblings: Counts): boolean {
  const ownTotal = own.good + own.bad;
  const siblingTotal = siblings.good + siblings.bad;
  if (siblingTotal === 0) return false;
  const gap = siblings.good / siblingTotal - own.good / ownTotal;
  const pooled = (own.good + siblings.good) / (ownTotal + siblingTotal);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / ownTotal + 1 / siblingTotal));
  return gap >= MARGIN && gap > SIGMAS * error;
}
