import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import { formatDuration } from '../core/duration.ts';
import type { Env } from '../core/env.ts';
import { MeshError } from '../core/errors.ts';
import { isLate, type TimerNode } from '../core/timers.ts';
import type { Call } from '../model/call.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Exchange } from '../model/exchange.ts';
import { type Outcome, outcomeOfError, outcomeOfStatus } from '../model/outcome.ts';
import { isIdempotent } from '../model/request.ts';
import type { Abortable } from '../model/signal.ts';
import { faultOf } from './faults.ts';
import type { Lines } from './connection.ts';
import type { Lane, LaneUser } from './lanes.ts';
import { brokeReused } from './reuse.ts';

/** What may arrive of a body before it is accepted: past this the socket is paused. */
const EARLY_LIMIT = 65_536;
/** A discarded body of at most this length is read to its end, because that saves the connection. */
const DRAIN_LIMIT = 65_536;
/** … and if it comes within so many milliseconds. */
const DRAIN_TIME = 1_000;
/** How many connections in a row may turn out to have been closed while idle before that counts as a reset. */
const RESEND_LIMIT = 3;
/** More informational heads (103 Early Hints…) than this before the real one are taken for an attack. */
const INFORMATIONAL_LIMIT = 100;

/** Header names and values as undici has them from the wire. */
export type RawHeaders = Buffer[] | string[] | IncomingHttpHeaders | null;

/** Who wants to know of the end: a chain, because an array makes room for seventeen when the first comes. */
interface Listening {
  readonly listener: (outcome: Outcome) => void;
  readonly next: Listening | undefined;
}

/**
 * One attempt at one endpoint: the handler that undici calls, and the exchange that the layers see, in one object.
 * It resolves at the head. The parser delivers head and first chunks in one turn, before anybody can have accepted,
 * so those chunks are kept by reference and handed over at `accept`: keeping them costs less than pausing.
 */
export class Attempt implements Exchange, LaneUser, Dispatcher.DispatchController, Abortable, TimerNode {
  statusCode = 0;
  headers: IncomingHttpHeaders = {};
  receivedAt = 0;
  readonly endpoint: Endpoint;
  /** Settles with this attempt at the head, or with why there was none. */
  readonly head: Promise<Exchange>;
  rawHeaders: RawHeaders = null;
  rawTrailers: RawHeaders = null;
  paused = false;
  due = 0;
  prev: TimerNode | undefined = undefined;
  next: TimerNode | undefined = undefined;
  /** The connection that it has to itself; none where connections are shared. */
  lane: Lane | undefined = undefined;

  readonly #call: Call;
  readonly #lines: Lines;
  readonly #env: Env;
  readonly #start: number;
  #resolve!: (exchange: Exchange) => void;
  #reject!: (error: unknown) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #statusText: string | undefined;
  #socket: Duplex | undefined;
  #started = false;
  #answered = false;
  #resends = 0;
  #informational = 0;
  #latency = 0;
  #sink: Dispatcher.DispatchHandler | undefined;
  #early: Buffer[] | undefined;
  #earlyBytes = 0;
  #discarded = false;
  #flushing = false;
  #concluded = false;
  #trailers: IncomingHttpHeaders | undefined;
  #error: Error | undefined;
  #outcome: Outcome | undefined;
  #listening: Listening | undefined;

  constructor(call: Call, endpoint: Endpoint, lines: Lines, env: Env) {
    this.#call = call;
    this.endpoint = endpoint;
    this.#lines = lines;
    this.#env = env;
    this.#start = call.begun;
    this.head = new Promise<Exchange>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    call.signal.listen(this);
    if (this.#error !== undefined) return;
    const due = call.begun + call.attemptTimeout;
    if (due < call.deadline) env.timers.add(this, due);
    lines.dispatch(call.request, this);
  }

  get aborted(): boolean {
    return this.#error !== undefined;
  }

  get reason(): Error | null {
    return this.#error ?? null;
  }

  // What undici calls.

  /** Called just before the request's first byte is written; again where undici moves it to another connection. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    // To throw here drops the request and keeps the healthy socket; to abort would destroy it.
    if (this.#error !== undefined) throw this.#error;
    this.#started = true;
    this.#controller = controller;
  }

  /** Called when the response's first byte has come. */
  onResponseStarted(): void {
    this.#answered = true;
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    statusText?: string,
  ): void {
    if (statusCode < 200) return this.#onInformational();
    this.statusCode = statusCode;
    this.headers = headers;
    this.rawHeaders = controller.rawHeaders ?? null;
    this.#statusText = statusText;
    this.#onHead();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#sink !== undefined && this.#early === undefined) {
      this.#sink.onResponseData?.(this, chunk);
      return;
    }
    if (this.#discarded) {
      this.#earlyBytes += chunk.length;
      if (this.#earlyBytes > DRAIN_LIMIT) this.#cut(new Error('discarded'));
      return;
    }
    (this.#early ??= []).push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes > EARLY_LIMIT) controller.pause();
  }

  onResponseEnd(controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    this.#leave(true);
    this.#trailers = trailers;
    this.rawTrailers = controller.rawTrailers ?? null;
    // Not accepted yet: this is still the turn in which the head came.
    const now = this.#sink === undefined ? this.receivedAt : this.#env.clock.now();
    this.#finish(outcomeOfStatus(this.statusCode, this.#latency, now));
    this.#conclude();
  }

  onResponseError(_controller: Dispatcher.DispatchController | null | undefined, error: Error): void {
    const isAlone = this.lane !== undefined;
    this.#leave(false);
    if (this.#error !== undefined || this.#trailers !== undefined) return;
    // The server closed it in the very moment in which it was taken up again: nobody's fault, unless that goes on.
    // A connection that is shared was not idle; and undici, which is just failing all that it carried, takes nothing new.
    const stale = isAlone && !this.#answered && brokeReused(error) && this.#resends < RESEND_LIMIT;
    if (stale && (!this.#started || isResendable(this.#call.request))) {
      this.#resends++;
      this.#started = false;
      this.#lines.dispatch(this.#call.request, this);
      return;
    }
    const { service, attempt } = this.#call;
    const head = this.statusCode !== 0;
    const context = { service, endpoint: this.endpoint.address, attempts: attempt + 1, sent: this.#started };
    const fault = faultOf(error, head ? { ...context, status: this.statusCode } : context);
    fault.excused = stale;
    this.#fail(fault);
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    socket: Duplex,
  ): void {
    this.#leave(false);
    this.statusCode = statusCode;
    this.headers = headers;
    this.rawHeaders = controller.rawHeaders ?? null;
    this.#socket = socket;
    this.#lines.adopt?.(socket);
    this.#onHead();
    socket.once('close', () => this.#finish({ kind: 'success', latency: this.#latency, status: statusCode }));
  }

  /** What the timer wheel calls: there is no head yet, or no end of what was discarded. */
  fire(): void {
    if (this.#discarded) return this.#cut(new Error('discarded'));
    const { attemptTimeout, deadline } = this.#call;
    if (!isLate(this, this.#env.clock)) return this.onAbort(this.#timedOut());
    // The process stood still, for how much of the attempt nobody knows; the answer may be waiting in the kernel, the
    // request may not have left. So the attempt gets its time again, as far as the deadline allows.
    const again = this.#env.clock.now() + attemptTimeout;
    if (again < deadline) this.#env.timers.add(this, again);
  }

  // What the layers call.

  onEnd(listener: (outcome: Outcome) => void): void {
    if (this.#outcome !== undefined) listener(this.#outcome);
    else this.#listening = { listener, next: this.#listening };
  }

  accept(sink: Dispatcher.DispatchHandler): void {
    if (this.#sink !== undefined || this.#discarded) throw new Error('An exchange is accepted or discarded once');
    this.#sink = sink;
    if (this.#socket !== undefined) {
      sink.onRequestUpgrade?.(this, this.statusCode, this.headers, this.#socket);
      return;
    }
    sink.onResponseStart?.(this, this.statusCode, this.headers, this.#statusText);
    this.#flush();
  }

  [Symbol.dispose](): void {
    if (this.#sink !== undefined || this.#discarded) return;
    this.#discarded = true;
    this.#early = undefined;
    if (this.#outcome !== undefined) return;
    const length = Number(this.headers['content-length'] ?? Infinity);
    if (this.#socket !== undefined || length > DRAIN_LIMIT) return this.#cut(new Error('discarded'));
    this.#env.timers.add(this, this.#env.clock.now() + DRAIN_TIME);
    this.#controller?.resume();
  }

  onAbort(reason: unknown): void {
    const error =
      reason instanceof Error ? reason : new MeshError('INMESH_ABORTED', 'The call was given up', { cause: reason });
    this.#fail(error);
    if (this.#started) this.#controller?.abort(error);
    this.#socket?.destroy(error);
  }

  // What the sink calls, through the controller that it is given.

  pause(): void {
    this.paused = true;
    this.#wire?.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.#flush();
    if (!this.paused) this.#wire?.resume();
  }

  abort(reason: Error): void {
    this.onAbort(reason);
  }

  /** The connection while it is ours: once the body is in, it may have been given to another request. */
  get #wire(): Dispatcher.DispatchController | undefined {
    return this.#trailers === undefined ? this.#controller : undefined;
  }

  /** Hands over what was kept, as far as the sink takes it, and then what ended the body meanwhile. */
  #flush(): void {
    const sink = this.#sink;
    if (sink === undefined || this.#flushing) return;
    const early = this.#early;
    if (early !== undefined) {
      this.#flushing = true;
      let handed = 0;
      while (handed < early.length && !this.paused && this.#error === undefined)
        sink.onResponseData?.(this, early[handed++]!);
      this.#flushing = false;
      if (handed < early.length) {
        early.splice(0, handed);
        return;
      }
      this.#early = undefined;
      if (this.#earlyBytes > EARLY_LIMIT && !this.paused) this.#controller?.resume();
    }
    this.#conclude();
  }

  /** Tells the sink how the body ended, once, when all that was kept has been handed over. */
  #conclude(): void {
    if (this.#sink === undefined || this.#early !== undefined || this.#concluded) return;
    if (this.#error !== undefined) {
      this.#concluded = true;
      this.#sink.onResponseError?.(this, this.#error);
    } else if (this.#trailers !== undefined) {
      this.#concluded = true;
      this.#sink.onResponseEnd?.(this, this.#trailers);
    }
  }

  #leave(sound: boolean): void {
    const { lane } = this;
    this.lane = undefined;
    lane?.leave(sound);
  }

  #onHead(): void {
    this.#env.timers.remove(this);
    this.receivedAt = this.#env.clock.now();
    this.#latency = this.receivedAt - this.#start;
    this.#resolve(this);
  }

  #timedOut(): MeshError {
    const { service, attemptTimeout, attempt } = this.#call;
    const { address } = this.endpoint;
    const message = `${service} at ${address} had no answer after ${formatDuration(attemptTimeout)}; raise attemptTimeout if that is how long answers take`;
    const details = { service, endpoint: address, attempts: attempt + 1, sent: this.#started };
    return new MeshError('INMESH_ATTEMPT_TIMEOUT', message, details);
  }

  #onInformational(): void {
    if (++this.#informational <= INFORMATIONAL_LIMIT) return;
    const { service } = this.#call;
    const message = `${service} at ${this.endpoint.address} sent more than ${INFORMATIONAL_LIMIT} informational heads and no answer`;
    this.onAbort(new MeshError('INMESH_PROTOCOL', message, { service, endpoint: this.endpoint.address }));
  }

  #fail(error: Error): void {
    if (this.#error !== undefined || this.#trailers !== undefined) return;
    this.#error = error;
    this.#early = undefined;
    const head = this.statusCode !== 0;
    if (!head) this.#latency = this.#env.clock.now() - this.#start;
    // Whatever connection it waits for is none the worse for it: the next one may wait for that, rather than dial another.
    if (!this.#started) this.#leave(true);
    this.#finish(outcomeOfError(error, this.#latency));
    if (!head) return this.#reject(error);
    if (error instanceof MeshError) {
      // What ends a body passes no layer any more that could say where that was.
      error.endpoint ??= this.endpoint.address;
      error.attempts ||= this.#call.attempt + 1;
    }
    this.#conclude();
  }

  #finish(outcome: Outcome): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    this.#env.timers.remove(this);
    this.#call.signal.unlisten(this);
    for (let each = this.#listening; each !== undefined; each = each.next) each.listener(outcome);
  }

  /** Gives up a body that nobody wants: costs an HTTP/1 connection. */
  #cut(reason: Error): void {
    this.#finish(outcomeOfStatus(this.statusCode, this.#latency));
    this.#error ??= reason;
    this.#controller?.abort(reason);
    this.#socket?.destroy();
  }
}

/**
 * Whether a request may go out again when an idle connection turned out closed: that a connection was reused does not
 * prove that the server did nothing, so only what is idempotent, and only a body that is still there.
 */
function isResendable(request: Dispatcher.DispatchOptions): boolean {
  const { body } = request;
  const isWhole = body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array;
  return isWhole && isIdempotent(request);
}
