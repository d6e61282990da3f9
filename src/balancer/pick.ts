import type { Clock } from '../core/clock.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Outcome } from '../model/outcome.ts';

/** What one success moves the typical latency by. */
const STEP = 0.02;

/** What the endpoints of a service have in common. It passes from picker to picker. */
export class Siblings {
  readonly clock: Clock;
  /** How long a good answer takes here, whoever gives it, ms; 0 while there was none. */
  typicalLatency = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /**
   * What is in flight at an endpoint as those policies see it that do not look at latency: plus one, per weight, and
   * more while its attempts fail. Otherwise one that fails at once, and so never has anything in flight, would get the most.
   */
  burden(endpoint: Endpoint, share: number, now?: number): number {
    const inFlight = 1 + endpoint.inFlight / share;
    return endpoint.load.suspect ? inFlight * endpoint.load.penalty(now ?? this.clock.now()) : inFlight;
  }

  /** Lets endpoint and siblings learn from how an attempt ended. */
  learn(endpoint: Endpoint, outcome: Outcome): void {
    const { latency, at: now = this.clock.now() } = outcome;
    if (outcome.kind === 'success') {
      const typical = this.typicalLatency;
      this.typicalLatency = typical === 0 ? latency : typical + (latency - typical) * STEP;
      endpoint.load.observe(now, latency, true);
    } else if (outcome.kind === 'failure') {
      // Refusing takes no time. A failure is counted as slow as a typical answer at least, or it would look attractive.
      endpoint.load.observe(now, Math.max(latency, this.typicalLatency), false);
    } else if (latency > this.typicalLatency) {
      // Given up, and not by its fault: but that it took so long already is a fact. A quick abort tells nothing.
      endpoint.load.atLeast(now, latency);
    }
  }
}

/** An attempt on its way to an endpoint: in flight from construction until `done`. */
export class Pick {
  readonly endpoint: Endpoint;
  #siblings: Siblings | undefined;

  constructor(endpoint: Endpoint, siblings: Siblings) {
    this.endpoint = endpoint;
    this.#siblings = siblings;
    endpoint.inFlight++;
  }

  /** The attempt has ended, body included. What comes after the first call changes nothing. */
  done(outcome: Outcome): void {
    const siblings = this.#siblings;
    if (siblings === undefined) return;
    this.#siblings = undefined;
    this.endpoint.inFlight--;
    siblings.learn(this.endpoint, outcome);
  }
}
