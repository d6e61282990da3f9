/** How fast the past is forgotten: after this many milliseconds it weighs 1/e. Finagle's and Linkerd's value. */
const DECAY = 10_000;
/** What one success moves the success rate by, of its distance to 1. */
const SUCCESS_STEP = 0.1;
/** The lowest success rate that is told from none: with its third power, costs rise at most a thousandfold. */
const LOWEST_RATE = 0.1;
/** As long as so many of its attempts succeed, an endpoint is not suspect. */
const TRUSTED_RATE = 0.9;
/** Under so many milliseconds the past is as good as present (a thousandth is forgotten), and `exp` is saved. */
const INSTANT = 10;

/**
 * Peak-sensitive latency average of one endpoint (Finagle's `PeakEwma`): a slower answer is believed at once, faster
 * ones only gradually, and while nothing happens the cost decays, so that an endpoint that once was slow is tried again.
 *
 * Beside it runs the share of attempts that succeeded: an endpoint that fails in a millisecond must not look like the
 * fastest of all. A first failure costs it a tenth; the more follow in a row, the more each of them, so that one mishap
 * is soon forgiven while an endpoint that is down stays out for about as long as the decay. While nothing happens the
 * share drifts back to 1.
 *
 * Reading changes nothing. Only answers (`observe`, `atLeast`) and beginnings (`begin`) set the instant that decay counts from.
 */
export class PeakEwma {
  /** Whether anything was ever learnt of it. */
  observed = false;
  #latency = 0;
  #successRate = 1;
  #failures = 0;
  /** When it was last observed, and when it was last observed or begun with. */
  #learnt = 0;
  #touched = 0;

  /**
   * An attempt begins: decay counts anew. A decayed cost so attracts one attempt, not all that come before its answer.
   */
  begin(now: number): void {
    this.#touched = now;
  }

  /**
   * Takes in an attempt that ended at `now`, `latency` ms after it began.
   * A failure never makes the endpoint look faster.
   */
  observe(now: number, latency: number, success: boolean): void {
    const weight = decay(now - this.#learnt);
    if (latency > this.#latency || !this.observed) this.#latency = latency;
    else if (success) this.#latency = this.#latency * weight + latency * (1 - weight);
    const rate = 1 - (1 - this.#successRate) * weight;
    if (success) {
      this.#failures = 0;
      this.#successRate = rate + (1 - rate) * SUCCESS_STEP;
    } else {
      this.#failures = Math.min(9, this.#failures + 1);
      this.#successRate = rate * (1 - this.#failures / 10);
    }
    this.#learnt = this.#touched = now;
    this.observed = true;
  }

  /** Takes in an attempt that was given up at `now` without an answer: it would have taken at least `latency` ms. */
  atLeast(now: number, latency: number): void {
    if (latency <= this.#latency) return;
    this.#latency = latency;
    this.#learnt = this.#touched = now;
    this.observed = true;
  }

  /** The expected latency at `now` in ms, raised as attempts fail; 0 while nothing was observed. */
  cost(now: number): number {
    const weight = decay(now - this.#touched);
    const rate = 1 - (1 - this.#successRate) * weight;
    return rate === 1 ? this.#latency * weight : this.#latency * weight * raise(rate);
  }

  /** Whether so much failed that `penalty` may be more than 1. */
  get suspect(): boolean {
    return this.#successRate < TRUSTED_RATE;
  }

  /** By what failures raise the cost at `now`, for measures other than latency: 1 again once nine of ten succeed. */
  penalty(now: number): number {
    const rate = 1 - (1 - this.#successRate) * decay(now - this.#touched);
    return rate < TRUSTED_RATE ? raise(rate) : 1;
  }

  /** The share of recent attempts that succeeded, 0 to 1, drifting back to 1 while idle. */
  successRate(now: number): number {
    return 1 - (1 - this.#successRate) * decay(now - this.#learnt);
  }
}

function raise(rate: number): number {
  const floored = Math.max(LOWEST_RATE, rate);
  return 1 / (floored * floored * floored);
}

function decay(elapsed: number): number {
  return elapsed < INSTANT ? 1 : Math.exp(-elapsed / DECAY);
}
