import { EventEmitter } from 'node:events';
import CircuitBreaker from 'opossum';
import type { Clock } from '../../core/clock.ts';
import type { SlidingWindow } from '../../core/window.ts';
import type { BreakerSettings } from './options.ts';

/** What opossum's `Status` is to opossum, and nothing more; its types leave it out. */
interface StatusShape {
  readonly stats: CircuitBreaker.Stats;
  increment(property: string): void;
}

/** opossum keeps its `Status` class to itself, but accepts instances of it: the class is taken from one. */
const LEAN = { rollingCountBuckets: 1, rollingPercentilesEnabled: false, enableSnapshots: false };
const Status = CircuitBreaker.newStatus({ ...LEAN, rotateBucketController: new EventEmitter() }).constructor as new (
  options: CircuitBreaker.StatusOptions,
) => StatusShape;

/**
 * The statistics that opossum decides by, kept in our own sliding window: it counts what has ended and nothing else
 * (opossum counts when a call starts, so calls in flight and calls refused would hide the failures), in O(1), on our
 * clock, and it can be emptied.
 */
export class Completions extends Status {
  readonly #window: SlidingWindow;
  readonly #clock: Clock;

  constructor(window: SlidingWindow, clock: Clock) {
    super({ ...LEAN, rotateBucketController: new EventEmitter() });
    this.#window = window;
    this.#clock = clock;
  }

  override get stats(): CircuitBreaker.Stats {
    const now = this.#clock.now();
    const failures = this.#window.bad(now);
    return { failures, fires: failures + this.#window.good(now) } as CircuitBreaker.Stats;
  }

  /** Called by opossum for each of its events. */
  override increment(property: string): void {
    if (property === 'successes' || property === 'failures')
      this.#window.record(this.#clock.now(), property === 'successes');
  }

  open(): void {}

  close(): void {}
}

/** opossum's breaker, whose calls are verdicts: promises that resolve or reject by what became of a call. */
export type Circuit = CircuitBreaker<[verdict: () => Promise<void>], void>;

/** `errorRate` is reached, where opossum's threshold must be exceeded. */
const HAIR = 1e-6;

/**
 * A lean opossum breaker, closed or already half-open (opossum's own way to restore a breaker's state). It sets no
 * timer: the one that opossum would arm when it opens runs on the process's clock and would half-open it behind our
 * back, so that listener is taken off.
 */
export function newCircuit(
  settings: BreakerSettings,
  completions: Completions,
  state: 'closed' | 'half-open',
): Circuit {
  const halfOpen = state === 'half-open';
  const options = {
    ...LEAN,
    status: completions as unknown as CircuitBreaker.Status,
    name: 'inmesh',
    timeout: false as const,
    volumeThreshold: settings.volume,
    errorThresholdPercentage: settings.errorRate * 100 - HAIR,
    state: { closed: !halfOpen, halfOpen },
  };
  const circuit: Circuit = new CircuitBreaker((verdict: () => Promise<void>) => verdict(), options);
  circuit.removeAllListeners('open');
  return circuit;
}
