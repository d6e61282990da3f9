const BUCKETS = 10;

/**
 * Counts over the last `length` milliseconds, in ten buckets that slide: a burst reaches the same verdict as the
 * same burst spread out, and what is older than the window is forgotten bucket by bucket, never all at once.
 * It covers between nine tenths and the whole of `length`.
 */
export class SlidingWindow {
  readonly #span: number;
  readonly #good: Uint32Array = new Uint32Array(BUCKETS);
  readonly #bad: Uint32Array = new Uint32Array(BUCKETS);
  #tick = -1;
  #goodSum = 0;
  #badSum = 0;

  /** @param length milliseconds that the window covers. */
  constructor(length: number) {
    this.#span = length / BUCKETS;
  }

  /** Counts one at `now`: good or bad. */
  record(now: number, good: boolean): void {
    this.#advance(now);
    const bucket = this.#tick % BUCKETS;
    if (good) {
      this.#good[bucket]!++;
      this.#goodSum++;
    } else {
      this.#bad[bucket]!++;
      this.#badSum++;
    }
  }

  /** How many were good within the window that ends at `now`. */
  good(now: number): number {
    this.#advance(now);
    return this.#goodSum;
  }

  /** How many were bad within the window that ends at `now`. */
  bad(now: number): number {
    this.#advance(now);
    return this.#badSum;
  }

  /** Forgets everything. */
  reset(): void {
    this.#good.fill(0);
    this.#bad.fill(0);
    this.#goodSum = this.#badSum = 0;
  }

  #advance(now: number): void {
    const tick = Math.floor(now / this.#span);
    if (tick <= this.#tick) return;
    if (tick - this.#tick >= BUCKETS) this.reset();
    else {
      for (let passed = this.#tick + 1; passed <= tick; passed++) {
        const bucket = passed % BUCKETS;
        this.#goodSum -= this.#good[bucket]!;
        this.#badSum -= this.#bad[bucket]!;
        this.#good[bucket] = this.#bad[bucket] = 0;
      }
    }
    this.#tick = tick;
  }
}
