import { formatDuration } from '../core/duration.ts';
import type { Env } from '../core/env.ts';
import { randomInt } from '../core/random.ts';
import { SlidingWindow } from '../core/window.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Outcome } from '../model/outcome.ts';
import type { OutlierSettings } from './options.ts';
import { type HealthRecord, recordOf } from './record.ts';
import { causeOf, feedsStreak, isGood } from './reading.ts';
import { type Counts, isClearlyWorse, isStreakUnlike } from './suspicion.ts';

/** A probe of which nothing is heard for so long is forgotten, and another sent; ms. Attempts time out much earlier. */
const PROBE_EXPIRY = 10_000;

/** Of thousands of siblings, about so many are asked how they fare. */
const SIBLINGS_ASKED = 32;

/** Which generation of an endpoint's record an attempt began in. */
export type HealthPass = number;

/**
 * Passive health of one service's endpoints. What it decides stands on the endpoints themselves (`state`, `reason`), and
 * so does what it remembers, so that both survive discovery updates and new settings.
 */
export class OutlierDetector {
  readonly #settings: OutlierSettings;
  readonly #env: Env;
  readonly #listeners: Set<(endpoint: Endpoint) => void> = new Set();
  /** All endpoints together: a sibling's view is this less its own. */
  readonly #window: SlidingWindow;
  #endpoints: readonly Endpoint[] = [];
  #ejected: readonly Endpoint[] = [];
  /** Made when asked for, so that many changes in one turn cost one pass over all endpoints. */
  #eligible: readonly Endpoint[] | undefined;
  #nextDue = Infinity;

  constructor(settings: OutlierSettings, env: Env) {
    this.#settings = settings;
    this.#env = env;
    this.#window = new SlidingWindow(settings.window);
  }

  /** Takes over the endpoints of a new snapshot. Where they have become so few that too many are ejected, some return; no listener is told. */
  update(endpoints: readonly Endpoint[]): void {
    this.#endpoints = endpoints;
    this.#changeEjected(endpoints.filter((endpoint) => endpoint.state === 'ejected'));
    const surplus = this.#ejected.length - this.#mostEjected();
    if (surplus <= 0) return;
    const bySoonest = this.#ejected.toSorted((a, b) => this.#record(a).due - this.#record(b).due);
    for (const endpoint of bySoonest.slice(0, surplus)) this.#return(endpoint);
  }

  /** The endpoints that may get traffic: those not ejected; all of them in panic. The same array until something changes. */
  eligible(): readonly Endpoint[] {
    if (this.#eligible === undefined) {
      const isAll = this.#ejected.length === 0 || this.panicking;
      this.#eligible = isAll ? this.#endpoints : this.#endpoints.filter((endpoint) => endpoint.state !== 'ejected');
    }
    return this.#eligible;
  }

  /** Whether so few are left that ejections are ignored. */
  get panicking(): boolean {
    const count = this.#endpoints.length;
    return count - this.#ejected.length < count * this.#settings.panic;
  }

  /** An endpoint whose ejection has run out: whoever gets it sends it one attempt, whose outcome decides whether it returns. */
  takeProbe(now: number): Endpoint | undefined {
    if (now < this.#nextDue) return undefined;
    const endpoint = this.#ejected.find((ejected) => this.#record(ejected).due <= now);
    if (endpoint === undefined) return undefined;
    const record = this.#record(endpoint);
    record.generation++;
    record.probing = true;
    this.#setDue(record, now + PROBE_EXPIRY);
    return endpoint;
  }

  /** Tells of an attempt that begins; `onHead` and `onOutcome` want to know what this returns. */
  begin(endpoint: Endpoint): HealthPass {
    return endpoint.health === undefined ? 0 : this.#record(endpoint).generation;
  }

  /** Tells that a good head has come: it ends a streak, and it is all that a probe wants to know. The attempt is counted at its end. */
  onHead(endpoint: Endpoint, pass: HealthPass): void {
    if (endpoint.health === undefined) return;
    const record = this.#record(endpoint);
    if (pass !== record.generation) return;
    record.streak = 0;
    if (endpoint.state === 'ejected' && record.probing) this.#readmit(endpoint);
  }

  /** Tells how an attempt ended. */
  onOutcome(endpoint: Endpoint, pass: HealthPass, outcome: Outcome): void {
    const record = this.#record(endpoint);
    if (pass !== record.generation) return;
    if (endpoint.state === 'ejected') return this.#onProbe(endpoint, record, outcome);
    if (outcome.kind === 'ignored') return;
    const now = outcome.at ?? this.#env.clock.now();
    const good = isGood(outcome);
    record.window.record(now, good);
    this.#window.record(now, good);
    if (good) record.streak = 0;
    else this.#onFailure(endpoint, record, outcome, now);
  }

  /** Calls `listener` with each endpoint that is ejected or returns, after `eligible` has changed. @returns stops that. */
  onChange(listener: (endpoint: Endpoint) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #onFailure(endpoint: Endpoint, record: HealthRecord, outcome: Outcome, now: number): void {
    if (feedsStreak(outcome)) record.streak++;
    if (this.#ejected.length >= this.#mostEjected()) return;
    const reason = this.#suspicion(record, outcome, now);
    if (reason !== undefined && this.#endpoints.includes(endpoint)) this.#eject(endpoint, record, reason, now);
  }

  /** Why the endpoint should be ejected, in words; undefined where nothing stands out. */
  #suspicion(record: HealthRecord, outcome: Outcome, now: number): string | undefined {
    const { consecutive, successRate, volume, window } = this.#settings;
    if (record.streak >= consecutive && this.#areSiblingsWell(record, now)) {
      return `${record.streak} failures in a row: ${causeOf(outcome)}`;
    }
    const own = record.counts(now);
    const total = own.good + own.bad;
    // The balancer starves what always fails, so that it would never come to the volume: none good at all needs less.
    const needed = own.good === 0 ? Math.min(volume, 2 * consecutive) : volume;
    if (total < needed || own.good / total >= successRate) return undefined;
    const siblings = less({ good: this.#window.good(now), bad: this.#window.bad(now) }, own);
    if (!isClearlyWorse(own, siblings)) return undefined;
    return `succeeded in ${percent(own)} of ${total} attempts within ${formatDuration(window)}, its siblings in ${percent(siblings)}`;
  }

  /** Whether there are siblings whose last answer was good and who fare, together, so well that the streak is the endpoint's own. */
  #areSiblingsWell({ streak }: HealthRecord, now: number): boolean {
    const count = this.#endpoints.length;
    const start = randomInt(this.#env.random, count);
    const step = Math.max(1, Math.floor(count / SIBLINGS_ASKED));
    let found = false;
    let good = 0;
    let bad = 0;
    for (let i = 0; i < count; i += step) {
      const { state, health } = this.#endpoints[(start + i) % count]!;
      if (state === 'ejected' || (health !== undefined && health.streak > 0)) continue;
      found = true;
      if (health === undefined) continue;
      const counts = (health as HealthRecord).counts(now);
      good += counts.good;
      bad += counts.bad;
    }
    return found && isStreakUnlike(streak, { good, bad });
  }

  #onProbe(endpoint: Endpoint, record: HealthRecord, outcome: Outcome): void {
    if (!record.probing) return;
    const now = this.#env.clock.now();
    if (outcome.kind === 'ignored') {
      record.generation++;
      record.probing = false;
      this.#setDue(record, now);
    } else if (isGood(outcome)) this.#readmit(endpoint);
    else this.#eject(endpoint, record, `still failing when tried again: ${causeOf(outcome)}`, now);
  }

  #eject(endpoint: Endpoint, record: HealthRecord, reason: string, now: number): void {
    const { ejection, ejectionCap, window } = this.#settings;
    const returning = endpoint.state === 'ejected';
    const healthyWindows = returning ? 0 : Math.floor((now - record.returnedAt) / window);
    record.term = Math.min(ejectionCap, Math.max(ejection, (record.term * 2) / 2 ** healthyWindows));
    record.startAfresh();
    endpoint.state = 'ejected';
    endpoint.reason = reason;
    record.due = now + record.term * (1 - this.#env.random() / 2);
    if (returning) return this.#findNextDue();
    this.#changeEjected([...this.#ejected, endpoint]);
    this.#tell(endpoint);
  }

  #readmit(endpoint: Endpoint): void {
    this.#return(endpoint);
    this.#tell(endpoint);
  }

  #return(endpoint: Endpoint): void {
    const record = this.#record(endpoint);
    record.startAfresh();
    record.returnedAt = this.#env.clock.now();
    endpoint.state = 'healthy';
    endpoint.reason = undefined;
    this.#changeEjected(this.#ejected.filter((other) => other !== endpoint));
  }

  #tell(endpoint: Endpoint): void {
    for (const listener of this.#listeners) listener(endpoint);
  }

  #changeEjected(ejected: readonly Endpoint[]): void {
    this.#ejected = ejected;
    this.#eligible = undefined;
    this.#findNextDue();
  }

  #setDue(record: HealthRecord, due: number): void {
    record.due = due;
    this.#findNextDue();
  }

  #findNextDue(): void {
    this.#nextDue = Infinity;
    for (const endpoint of this.#ejected) this.#nextDue = Math.min(this.#nextDue, this.#record(endpoint).due);
  }

  /** Half of them, say, but of two or more always one, and never all. */
  #mostEjected(): number {
    const count = this.#endpoints.length;
    const { maxEjected } = this.#settings;
    return maxEjected === 0 ? 0 : Math.min(count - 1, Math.max(1, Math.floor(count * maxEjected)));
  }

  #record(endpoint: Endpoint): HealthRecord {
    return recordOf(endpoint, this.#settings.window);
  }
}

function less(all: Counts, part: Counts): Counts {
  return { good: Math.max(0, all.good - part.good), bad: Math.max(0, all.bad - part.bad) };
}

function percent({ good, bad }: Counts): string {
  return `${Math.round((100 * good) / (good + bad))} %`;
}
