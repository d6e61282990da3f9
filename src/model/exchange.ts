import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Endpoint } from './endpoint.ts';
import type { Outcome } from './outcome.ts';

/** A response whose head has arrived and whose body waits. Accept it or discard it, exactly once. */
export interface Exchange extends Disposable {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  /** When the head arrived, on the monotonic clock, ms; who finds none asks the clock. */
  readonly receivedAt?: number | undefined;
  /** Who answered. */
  readonly endpoint: Endpoint;
  /** The caller's own handler gets head, body and errors. */
  accept(sink: Dispatcher.DispatchHandler): void;
  /** Called once: at body end, error, abort or abandonment; at once if that has been. */
  onEnd(listener: (outcome: Outcome) => void): void;
}
