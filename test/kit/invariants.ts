import { expect } from 'vitest';
import type { Mesh } from '../../src/mesh/mesh.ts';

/** How much later than its deadline a call may settle, ms; what this process's own event loop lagged is added. */
const GRACE = 50;

/** What the six invariants are checked against. */
export interface Claims {
  /** Endpoints that never did anything wrong: none of them may have been ejected (G4). */
  readonly healthy?: readonly string[];
  /** How many requests the servers saw in all: bounded by the retry budget (G5). */
  readonly sent?: number;
  /** Retries that the floor of the budget allows beyond a fifth of what was offered. */
  readonly floor?: number;
  /** How often the side effect of each non-idempotent call happened, by call (G6). */
  readonly effects?: Iterable<number>;
}

/**
 * The six general invariants of every fault case, as one reusable check: calls are made through `call`, which holds each
 * to its deadline (G1) and counts it; `check` closes the mesh and looks at all the rest.
 */
export class Invariants {
  offered = 0;
  readonly #mesh: Mesh;
  readonly #faults: unknown[] = [];
  readonly #late: string[] = [];
  readonly #ejected: Set<string> = new Set();
  readonly #onFault = (error: unknown): void => void this.#faults.push(error);
  readonly #lag: LagMeter = new LagMeter();
  readonly #sampler: NodeJS.Timeout;

  constructor(mesh: Mesh) {
    this.#mesh = mesh;
    process.on('unhandledRejection', this.#onFault).on('uncaughtException', this.#onFault);
    this.#sampler = setInterval(() => this.#sample(), 5);
  }

  /** Makes a call and sees that it settles by `deadline` ms. Its body must be read within `make`. */
  async call<T>(make: () => Promise<T>, deadline = 10_000): Promise<T> {
    this.offered++;
    const begin = performance.now();
    this.#lag.worst = 0;
    try {
      return await make();
    } finally {
      const took = performance.now() - begin;
      if (took > deadline + GRACE + this.#lag.worst)
        this.#late.push(`a call with ${deadline}ms took ${took.toFixed(0)}ms`);
      this.#sample();
    }
  }

  /** Closes the mesh and checks all six. */
  async check({ healthy = [], sent, floor = 10, effects = [] }: Claims = {}): Promise<void> {
    this.#sample();
    const runtimes = [...this.#mesh._runtimes.values()];
    const endpoints = runtimes.flatMap(({ cluster }) => [...cluster.endpoints.values()]);
    await this.#mesh.close({ drain: '1s' });
    await new Promise((resolve) => setImmediate(resolve));
    clearInterval(this.#sampler);
    this.#lag.stop();
    process.off('unhandledRejection', this.#onFault).off('uncaughtException', this.#onFault);
    expect(this.#late, 'G1: every call settles by its deadline').toEqual([]);
    expect(this.#faults, 'G2: nothing is left unhandled').toEqual([]);
    expect(
      endpoints.filter(({ inFlight }) => inFlight !== 0).map(({ address, inFlight }) => `${address}: ${inFlight}`),
      'G3: nothing stays in flight',
    ).toEqual([]);
    expect(this.#mesh._active.size, 'G3: no call is left').toBe(0);
    expect(this.#mesh._env.timers.size, 'G3: no timer is left').toBe(0);
    expect(
      healthy.filter((address) => this.#ejected.has(address)),
      'G4: no healthy endpoint is ejected',
    ).toEqual([]);
    if (sent !== undefined)
      expect(sent, 'G5: sent ≤ 1.2 × offered + floor').toBeLessThanOrEqual(1.2 * this.offered + floor);
    for (const count of effects) expect(count, 'G6: at most once').toBeLessThanOrEqual(1);
  }

  #sample(): void {
    for (const { cluster } of this.#mesh._runtimes.values())
      for (const { address, state } of cluster.endpoints.values()) if (state === 'ejected') this.#ejected.add(address);
  }
}

/** How late this process's own timers run. */
class LagMeter {
  worst = 0;
  #due = performance.now() + 10;
  readonly #timer: NodeJS.Timeout = setInterval(() => {
    const now = performance.now();
    this.worst = Math.max(this.worst, now - this.#due);
    this.#due = now + 10;
  }, 10);

  stop(): void {
    clearInterval(this.#timer);
  }
}
