import type { Dispatcher } from 'undici';
import type { Criticality } from './context.ts';
import type { Endpoint } from './endpoint.ts';
import type { CallSignal } from './signal.ts';

/** A logical request on its way through the mesh. Immutable: a layer passes on a changed copy. */
export interface Call {
  /** What is sent: undici's own options, headers already flattened to a plain object or pairs. */
  readonly request: Dispatcher.DispatchOptions;
  /** The name of the service it goes to. */
  readonly service: string;
  /** 0 for the first attempt, 1 for the first retry or hedge. */
  readonly attempt: number;
  /** When the call began, on the monotonic clock, ms. */
  readonly start: number;
  /** When this attempt began: as `start`, until something had to be waited for. Saves asking the clock in every layer. */
  readonly begun: number;
  /** The instant by which head and body must be in, on the monotonic clock, ms. */
  readonly deadline: number;
  /** How long this attempt may take until its head, ms; the transport holds it to that. Infinity where nothing limits it. */
  readonly attemptTimeout: number;
  /** Aborted when nobody waits any more: caller gone, deadline passed, attempt lost. */
  readonly signal: CallSignal;
  /** How dearly the caller wants the answer. */
  readonly criticality: Criticality;
  /** Endpoints that earlier attempts went to, and that this one avoids while there are others. */
  readonly tried: readonly Endpoint[];
  /** Set by `balance`. */
  readonly endpoint?: Endpoint;
}
