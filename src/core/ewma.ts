/** How fast the past is forgotten: after this many milliseconds a sample weighs 1/e. Finagle's and Linkerd's value. */
const DECAY = 10_000;

/**
 * Peak-sensitive latency average of one endpoint (Finagle's PeakEwma): a slower sample is believed at once, faster
 * ones only gradually, and while nothing arrives the cost decays, so that an endpoint that once was slow is tried again.
 *
 * Beside it runs the share of attempts that succeeded, decaying likewise towards 1: an endpoint that fails in a
 * millisecond must not look like the fastest of all.
 */
export class PeakEwma {
  #cost = 0;
  #successRate = 1;
  #stamp = 0;
  /** Whether anything was ever observed. */
  observed = false;

  /** Takes in one attempt that ended at `now` after `latency` ms. A failure never makes the endpoint look faster. */
  observe(now: number, latency: number, success: boolean): void {
    const weight = this.#age(now);
    if (latency > this.#cost) this.#cost = latency;
    else if (success) this.#cost = this.#cost * weight + latency * (1 - weight);
    this.#successRate += ((success ? 1 : 0) - this.#successRate) * SAMPLE;
    this.observed = true;
  }

  /** The expected latency at `now` in ms, raised as attempts fail; 0 while nothing was observed. */
  cost(now: number): number {
    const weight = this.#age(now);
    this.#cost *= weight;
    const rate = this.#successRate;
    return this.#cost / Math.max(FLOOR, rate * rate * rate);
  }

  /** The share of recent attempts that succeeded, 0 to 1, drifting back to 1 while idle. */
  successRate(now: number): number {
    this.#age(now);
    return this.#successRate;
  }

  #age(now: number): number {
    const elapsed = now - this.#stamp;
    if (elapsed <= 0) return 1;
    this.#stamp = now;
    const weight = Math.exp(-elapsed / DECAY);
    this.#successRate = 1 - (1 - this.#successRate) * weight;
    return weight;
  }
}

/** What one attempt moves the success rate by. */
const SAMPLE = 0.1;
/** A cost is raised at most a thousandfold. */
const FLOOR = 0.001;
