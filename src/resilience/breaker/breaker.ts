import type { Timer } from '../../core/clock.ts';
import { formatDuration } from '../../core/duration.ts';
import type { Env } from '../../core/env.ts';
import { MeshError } from '../../core/errors.ts';
import { SlidingWindow } from '../../core/window.ts';
import { type Circuit, Completions, newCircuit } from './circuit.ts';
import type { BreakerSettings } from './options.ts';

/** `closed`: calls pass. `open`: calls are refused. `half-open`: one call is let through to see how the service is. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** What became of a call, as the breaker sees it; `ignored` says nothing about the service. */
export type Verdict = 'success' | 'failure' | 'ignored';

/** Proof of admission: which generation of the breaker let the call in. What a call of an older one tells is ignored. */
export type BreakerPass = number;

/** A breaker as plain data. */
export interface BreakerSnapshot {
  readonly state: BreakerState;
  /** Calls that failed, and calls that ended, within the window. */
  readonly failures: number;
  readonly total: number;
  /** Until when it refuses calls, on the monotonic clock, ms; null while closed or half-open. */
  readonly opensUntil: number | null;
}

/** A call that ends by its deadline, as it should, is heard before it is given up; milliseconds. */
const GRACE = 100;

/** A half-open circuit's one call: how its verdict is given, and when it is given up. */
interface Probe {
  readonly resolve: () => void;
  readonly reject: (cause: Error) => void;
  readonly expiry: Timer;
}

/** The breaker of one service. */
export class Breaker {
  readonly service: string;
  readonly #settings: BreakerSettings;
  readonly #env: Env;
  readonly #window: SlidingWindow;
  readonly #completions: Completions;
  /** Made at the first failure; a new one for each half-open phase, so that the old one can move nothing any more. */
  #circuit: Circuit | undefined;
  #generation: BreakerPass = 0;
  #probe: Probe | undefined;
  /** How often it opened without having been well in between. */
  #openings = 0;
  #openUntil = 0;
  #closedAt = -Infinity;
  #lastFailure: unknown;
  #why = '';
  readonly #listeners: Set<(state: BreakerState) => void> = new Set();

  constructor(settings: BreakerSettings, env: Env, service: string) {
    this.service = service;
    this.#settings = settings;
    this.#env = env;
    this.#window = new SlidingWindow(settings.window);
    this.#completions = new Completions(this.#window, env.clock);
  }

  get state(): BreakerState {
    const circuit = this.#circuit;
    if (circuit === undefined || circuit.closed) return 'closed';
    return circuit.halfOpen ? 'half-open' : 'open';
  }

  /**
   * Lets a call in, or refuses it. Who was let in calls `report` exactly once, with what this returns.
   * @param deadline when the call ends at the latest, on the monotonic clock, ms: a probe is given up then.
   * @throws MeshError `INMESH_BREAKER_OPEN`
   */
  admit(deadline: number = Infinity): BreakerPass {
    const circuit = this.#circuit;
    if (circuit === undefined || circuit.closed) return this.#generation;
    const now = this.#env.clock.now();
    if (circuit.opened && now >= this.#openUntil) {
      this.#awaitProbe();
      this.#tell('half-open');
    }
    if (!this.#circuit!.pendingClose) throw this.#refusal(now);
    return this.#beginProbe(now, deadline);
  }

  /**
   * Tells what became of a call.
   * @param now the present instant, where the caller has it at hand.
   * @returns for a failure, a promise that resolves when the breaker has drawn its conclusion; it never rejects.
   */
  report(pass: BreakerPass, verdict: Verdict, cause?: unknown, now?: number): Promise<void> | undefined {
    if (pass !== this.#generation) return undefined;
    if (this.#probe !== undefined) return this.#endProbe(this.#probe, verdict, cause);
    if (verdict === 'success') this.#window.record(now ?? this.#env.clock.now(), true);
    if (verdict !== 'failure') return undefined;
    this.#lastFailure = cause;
    this.#circuit ??= this.#newCircuit('closed');
    return this.#circuit.fire(() => Promise.reject(failure(cause))).catch(ignore);
  }

  /** Calls `listener` with each new state. @returns stops that. */
  onChange(listener: (state: BreakerState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  snapshot(): BreakerSnapshot {
    const { failures, fires } = this.#completions.stats;
    const state = this.state;
    return { state, failures, total: fires, opensUntil: state === 'open' ? this.#openUntil : null };
  }

  #newCircuit(state: 'closed' | 'half-open'): Circuit {
    const circuit = newCircuit(this.#settings, this.#completions, state);
    circuit.on('open', () => this.#circuit === circuit && this.#onOpen());
    circuit.on('close', () => this.#circuit === circuit && this.#onClose());
    return circuit;
  }

  #awaitProbe(): void {
    this.#generation++;
    this.#circuit = this.#newCircuit('half-open');
  }

  /** opossum lets one call through while half-open, and refuses all others until that one ends: so it must end. */
  #beginProbe(now: number, deadline: number): BreakerPass {
    const pass = this.#generation;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const allowed = Math.min(Math.max(0, deadline - now) + GRACE, this.#settings.openCap);
    const expiry = this.#env.clock.schedule(allowed, () => {
      void this.report(pass, 'failure', new Error(`The probe brought no answer within ${formatDuration(allowed)}`));
    });
    this.#probe = { resolve, reject, expiry };
    this.#circuit!.fire(() => promise).catch(ignore);
    return pass;
  }

  #endProbe(probe: Probe, verdict: Verdict, cause: unknown): Promise<void> | undefined {
    const circuit = this.#circuit!;
    this.#probe = undefined;
    probe.expiry.cancel();
    if (verdict === 'success') {
      probe.resolve();
      return undefined;
    }
    if (verdict === 'failure') {
      this.#lastFailure = cause;
      probe.reject(failure(cause));
      return new Promise((resolve) => circuit.once('open', resolve));
    }
    // To opossum every end is a good or a bad one; to learn nothing, this circuit is ended unheard and a fresh one waits.
    circuit.removeAllListeners();
    probe.resolve();
    this.#awaitProbe();
    return undefined;
  }

  #onOpen(): void {
    const now = this.#env.clock.now();
    const { open, openCap, window } = this.#settings;
    if (now - this.#closedAt >= window) this.#openings = 0;
    this.#closedAt = Infinity;
    const longest = Math.min(openCap, open * 2 ** this.#openings++);
    this.#openUntil = now + longest * (1 - this.#env.random() / 2);
    const { failures, fires } = this.#completions.stats;
    this.#why ||= `${failures} of ${fires} calls failed within ${formatDuration(window)}`;
    this.#generation++;
    this.#tell('open');
  }

  #onClose(): void {
    this.#window.reset();
    this.#closedAt = this.#env.clock.now();
    this.#why = '';
    this.#lastFailure = undefined;
    this.#generation++;
    this.#tell('closed');
  }

  #refusal(now: number): MeshError {
    const next = this.#circuit!.opened
      ? `it lets one call through to try again in ${formatDuration(this.#openUntil - now)}`
      : 'one call has been let through to try, and this one was not it';
    const message =
      `The breaker of ${this.service} is open: ${this.#why}; ${next}. ` +
      `Mend the service, or change services.${this.service}.breaker (errorRate, volume, open)`;
    return new MeshError('INMESH_BREAKER_OPEN', message, {
      service: this.service,
      sent: false,
      cause: this.#lastFailure,
    });
  }

  #tell(state: BreakerState): void {
    for (const listener of this.#listeners) listener(state);
  }
}

/** The breaker of the service called `service`. */
export function createBreaker(settings: BreakerSettings, env: Env, service: string): Breaker {
  return new Breaker(settings, env, service);
}

function failure(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error('The call failed', { cause });
}

function ignore(): void {}
