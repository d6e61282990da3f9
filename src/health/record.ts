import { SlidingWindow } from '../core/window.ts';
import type { Endpoint, EndpointHealth } from '../model/endpoint.ts';
import type { Counts } from './suspicion.ts';
import type { Watch } from './watch.ts';

/** What is remembered of one endpoint. */
export class HealthRecord implements EndpointHealth {
  readonly window: SlidingWindow;
  /** Grows with each ejection, probe and return: what an attempt of an older one tells is not heard. */
  generation = 0;
  streak = 0;
  /** How long it was ejected last, before chance cut it; ms. */
  term = 0;
  returnedAt = 0;
  /** Whether an attempt is out to see how it is. */
  probing = false;
  due = 0;
  /** What attempts of this generation report through. */
  watch: Watch | undefined = undefined;

  constructor(window: number) {
    this.window = new SlidingWindow(window);
  }

  counts(now: number): Counts {
    return { good: this.window.good(now), bad: this.window.bad(now) };
  }

  /** Forgets what was counted. */
  startAfresh(): void {
    this.generation++;
    this.streak = 0;
    this.probing = false;
    this.window.reset();
  }
}

/** The record of an endpoint. Records are made here alone, hence the cast. */
export function recordOf(endpoint: Endpoint, window: number): HealthRecord {
  return (endpoint.health ??= new HealthRecord(window)) as HealthRecord;
}
