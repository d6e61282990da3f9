import type { Timer } from '../core/clock.ts';
import type { Env } from '../core/env.ts';
import { MeshError } from '../core/errors.ts';
import type { EndpointInfo } from '../model/endpoint.ts';
import type { Resolver, Snapshot } from '../model/snapshot.ts';
import { distinctByAddress, sameEndpoints } from './endpoints.ts';
import { Fault, faultOf } from './fault.ts';

/** How long an empty answer is doubted before it is believed: ms. */
export const EMPTY_HOLD = 30_000;

/** One running watch of a source. */
export interface Source {
  stop(): void;
  /** Asks again now; the source itself keeps from asking too often. */
  refresh?(): void;
}

/** Why a snapshot is not fresh. Two of one kind count as the same. */
export interface Reason {
  readonly kind: string;
  readonly error: Error;
}

/**
 * What a source reports to. It makes snapshots of the reports: keeps the last good endpoints through failures, doubts an
 * empty answer for 30 s, and stays silent when nothing changed. Every source goes through it, so all behave alike.
 */
export class Feed {
  readonly target: string;
  readonly #env: Env;
  readonly #listener: (snapshot: Snapshot) => void;
  readonly #version: () => number;
  #last: { state: Snapshot['state']; endpoints: readonly EndpointInfo[]; kind: string | undefined } | undefined;
  #emptySince: number | undefined;
  #hold: Timer | undefined;
  #stopped = false;

  constructor(target: string, env: Env, listener: (snapshot: Snapshot) => void, version: () => number) {
    this.target = target;
    this.#env = env;
    this.#listener = listener;
    this.#version = version;
  }

  /** What is in use now: the last good endpoints, or none. */
  get endpoints(): readonly EndpointInfo[] {
    return this.#last?.endpoints ?? [];
  }

  /**
   * The source named these. With `fault`, a part of them could not be asked for and is the last known.
   * @param distinct no address is there twice, which need not be looked for then.
   */
  good(endpoints: readonly EndpointInfo[], fault?: Fault, distinct = false): void {
    if (endpoints.length === 0) {
      this.empty(fault ?? new Fault('EMPTY', 'the source names no endpoint'));
      return;
    }
    this.#release();
    this.#emptySince = undefined;
    const all = distinct ? endpoints : distinctByAddress(endpoints);
    if (fault === undefined) this.publish('fresh', all);
    else this.#doubt('stale', all, fault, 'what was known of that part stays in use');
  }

  /**
   * The source answered well and named none. That is as often a slip (a deploy between two states, a filter too narrow)
   * as the truth, so the last good ones stay for 30 s; `certain` ends the doubt at once.
   */
  empty(fault: Fault, certain = false): void {
    this.#release();
    const now = this.#env.clock.now();
    this.#emptySince ??= now;
    const left = this.#emptySince + EMPTY_HOLD - now;
    if (certain || left <= 0 || this.endpoints.length === 0) {
      this.#doubt('empty', [], fault, 'no endpoint is left');
      return;
    }
    this.#doubt('stale', this.endpoints, fault, `${this.#lastGood()} stay for 30s, then it is believed`);
    this.#hold = this.#env.clock.schedule(left, () => this.empty(fault));
  }

  /** The source could not be asked, or answered with an error: what was known stays. */
  failed(error: unknown): void {
    this.#release();
    const fault = faultOf(error);
    const known = this.endpoints.length > 0;
    const state = known ? 'stale' : this.#last?.state === 'empty' ? 'empty' : 'error';
    const then = known ? `${this.#lastGood()} stay in use` : 'no endpoint is known';
    this.#doubt(state, this.endpoints, fault, `${then}; it is asked again every 1s to 30s until it answers`);
  }

  /** Tells the listener, unless that would tell it nothing new: same endpoints in any order, same state, same reason. */
  publish(state: Snapshot['state'], endpoints: readonly EndpointInfo[], reason?: Reason): void {
    if (this.#stopped) return;
    const last = this.#last;
    const same = last !== undefined && sameEndpoints(last.endpoints, endpoints);
    if (same && last.state === state && last.kind === reason?.kind) return;
    const kept = same ? last.endpoints : endpoints;
    this.#last = { state, endpoints: kept, kind: reason?.kind };
    const snapshot = { endpoints: kept, state, version: this.#version() };
    try {
      this.#listener(reason === undefined ? snapshot : { ...snapshot, error: reason.error });
    } catch (error) {
      this.#env.log.error(
        { code: 'INMESH_LISTENER', target: this.target, error },
        `A listener of ${this.target} threw`,
      );
    }
  }

  /** Nothing is told after this. */
  stop(): void {
    this.#stopped = true;
    this.#release();
  }

  #lastGood(): string {
    return `its last good endpoints (${this.endpoints.length})`;
  }

  #doubt(state: Snapshot['state'], endpoints: readonly EndpointInfo[], fault: Fault, then: string): void {
    this.publish(state, endpoints, reasonOf(this.target, fault, then));
  }

  #release(): void {
    this.#hold?.cancel();
    this.#hold = undefined;
  }
}

/** A resolver of a function that runs one watch: each watch starts afresh, versions grow over all of them. */
export function resolverOf(target: string, env: Env, start: (feed: Feed) => Source): Resolver {
  const running = new Set<Source>();
  let version = 0;
  return {
    target,
    watch(listener) {
      const feed = new Feed(target, env, listener, () => ++version);
      const source = start(feed);
      running.add(source);
      return () => {
        if (!running.delete(source)) return;
        feed.stop();
        source.stop();
      };
    },
    refresh() {
      for (const source of running) source.refresh?.();
    },
  };
}

/** The reason that `fault` makes; `then` tells what comes of it. */
export function reasonOf(target: string, fault: Fault, then: string): Reason {
  // Messages of several lines end with commands to run, which nothing may follow on their line.
  const message = `${target}: ${fault.message}${fault.message.includes('\n') ? '\n' : '; '}${then}`;
  return { kind: fault.kind, error: new MeshError('INMESH_RESOLVE_FAILED', message, { sent: false, cause: fault }) };
}
