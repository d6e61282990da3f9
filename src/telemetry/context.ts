import { AsyncLocalStorage } from 'node:async_hooks';
import { type Clock, systemClock } from '../core/clock.ts';
import { type Duration, tryParseDuration } from '../core/duration.ts';
import { MeshError } from '../core/errors.ts';
import type { Criticality } from '../model/context.ts';
import { type InboundHeaders, type TraceHeaders, traceHeadersOf } from './trace-headers.ts';

/** What `context.run` opens a context with. What is left out stays as it is outside. */
export interface ContextOptions {
  /** How long everything within may take. Never more than what is left outside: a context can only shorten. */
  readonly deadline?: Duration | undefined;
  /** How dearly answers are wanted. @defaultValue `'default'` */
  readonly criticality?: Criticality | undefined;
  /**
   * The inbound request's headers, of which `traceparent`, `tracestate` and `baggage` are read. Where no OpenTelemetry
   * SDK is registered they travel on with every request, unchanged; with one, its own context is what travels.
   * Malformed ones are left out.
   */
  readonly headers?: InboundHeaders | undefined;
}

/** The context that is open. */
export interface ContextState {
  /** An instant on the process's monotonic clock (`performance.now()`), ms; Infinity where there is none. */
  readonly deadline: number;
  readonly criticality: Criticality;
  readonly trace: TraceHeaders;
}

const CRITICALITIES: readonly Criticality[] = ['critical', 'default', 'sheddable'];
const OUTSIDE: ContextState = { deadline: Infinity, criticality: 'default', trace: {} };

/**
 * Two copies of inmesh in one process share one storage, so that a context opened by one reaches the other. The number
 * is that of `ContextState`'s shape: a copy with another shape has another storage and neither misreads the other.
 */
const SHARED: unique symbol = Symbol.for('inmesh.context.1');
const shared = globalThis as { [SHARED]?: AsyncLocalStorage<ContextState> };

/** Undefined until somebody first runs something in a context: until then, reading costs one look-up. */
let storage: AsyncLocalStorage<ContextState> | undefined;

function open(): AsyncLocalStorage<ContextState> {
  storage = shared[SHARED];
  if (storage === undefined) {
    storage = new AsyncLocalStorage();
    Object.defineProperty(shared, SHARED, { value: storage, configurable: true });
  }
  return storage;
}

function current(): ContextState | undefined {
  return (storage ??= shared[SHARED])?.getStore();
}

/**
 * What belongs to the work in hand rather than to one request, and reaches every `mesh.fetch` made on its behalf
 * without being passed along: deadline, criticality, and the trace that came in.
 */
export interface Context {
  /**
   * Runs `task` in a context, nested in the one that is open.
   *
   * @example
   * await context.run({ deadline: '300ms', criticality: 'critical' }, () => mesh.fetch('http://orders/v1/items'));
   *
   * @returns what `task` returns.
   * @throws MeshError `INMESH_REQUEST_INVALID` where an option is not what its type says.
   */
  run<Result>(options: ContextOptions, task: () => Result): Result;
  /** The instant by which everything must be done, comparable with `performance.now()`, ms; undefined where there is none. */
  deadline(): number | undefined;
  /** How many milliseconds are left, 0 once the deadline has passed; Infinity where there is none. */
  remaining(): number;
  /** How dearly answers are wanted: `'default'` outside of any context. */
  criticality(): Criticality;
  /** Everything at once; undefined outside of any context. */
  current(): ContextState | undefined;
}

/** What a request in progress passes on to the calls it makes: its deadline, its criticality, its trace. */
export const context: Context = {
  run(options, task) {
    const outside = current() ?? OUTSIDE;
    const deadline = options.deadline === undefined ? Infinity : systemClock.now() + milliseconds(options.deadline);
    const state: ContextState = {
      deadline: Math.min(outside.deadline, deadline),
      criticality: options.criticality === undefined ? outside.criticality : known(options.criticality),
      trace: options.headers === undefined ? outside.trace : traceHeadersOf(options.headers),
    };
    return open().run(state, task);
  },
  deadline() {
    const deadline = current()?.deadline;
    return deadline === Infinity ? undefined : deadline;
  },
  remaining() {
    const deadline = current()?.deadline ?? Infinity;
    return deadline === Infinity ? Infinity : Math.max(0, deadline - systemClock.now());
  },
  criticality() {
    return current()?.criticality ?? 'default';
  },
  current,
};

/** A context's deadline as an instant of `clock`, which need not be the process's own: tests run on others. */
export function deadlineOn(clock: Clock, { deadline }: ContextState): number {
  return clock === systemClock || deadline === Infinity ? deadline : clock.now() + deadline - systemClock.now();
}

function milliseconds(deadline: Duration): number {
  const ms = tryParseDuration(deadline);
  if (ms !== undefined) return ms;
  const remedy = "give milliseconds or '250ms', '2s', '1m', '1h'";
  throw new MeshError('INMESH_REQUEST_INVALID', `context.run: deadline is ${String(deadline).slice(0, 60)}; ${remedy}`);
}

function known(criticality: Criticality): Criticality {
  if (CRITICALITIES.includes(criticality)) return criticality;
  const given = String(criticality).slice(0, 60);
  throw new MeshError(
    'INMESH_REQUEST_INVALID',
    `context.run: criticality is ${given}; give ${CRITICALITIES.join(', ')}`,
  );
}
