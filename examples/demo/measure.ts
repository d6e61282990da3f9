/** What was sent somewhere, and how it went. Percentiles are exact: every latency is kept. */

/** How far back the live figures look, ms. */
const WINDOW = 3_000;

export interface Figures {
  readonly rate: number;
  readonly inFlight: number;
  /** Milliseconds; NaN where nothing was answered. */
  readonly p50: number;
  readonly p99: number;
  /** 0 to 1; NaN where nothing ended. */
  readonly success: number;
}

interface Sample {
  readonly at: number;
  readonly latency: number;
  readonly ok: boolean;
}

export class Series {
  inFlight = 0;
  readonly #samples: Sample[] = [];
  readonly #begun = performance.now();

  begin(): void {
    this.inFlight++;
  }

  /** One that began ended, after `latency` ms. */
  end(latency: number, ok: boolean): void {
    this.inFlight--;
    this.#samples.push({ at: performance.now(), latency, ok });
  }

  /** The last three seconds. */
  recent(now: number = performance.now()): Figures {
    const first = this.#samples.findLastIndex(({ at }) => at <= now - WINDOW) + 1;
    const samples = this.#samples.slice(first);
    const latencies = samples.map(({ latency }) => latency).sort((a, b) => a - b);
    const seconds = Math.max(1, Math.min(WINDOW, now - this.#begun) / 1_000);
    return {
      rate: samples.length / seconds,
      inFlight: this.inFlight,
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      success: samples.filter(({ ok }) => ok).length / samples.length,
    };
  }

  get latencies(): number[] {
    return this.#samples.map(({ latency }) => latency);
  }

  get failures(): number {
    return this.#samples.filter(({ ok }) => !ok).length;
  }
}

/** The nearest rank of sorted values; NaN of none. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

/** One series for each name, made when first asked for. */
export class Board {
  readonly #series = new Map<string, Series>();

  of(name: string): Series {
    let series = this.#series.get(name);
    if (series === undefined) this.#series.set(name, (series = new Series()));
    return series;
  }
}
