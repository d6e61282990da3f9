import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Env } from '../core/env.ts';
import { MeshError } from '../core/errors.ts';
import type { Call } from '../model/call.ts';
import type { Exchange } from '../model/exchange.ts';
import type { Service } from '../model/service.ts';
import type { Abortable } from '../model/signal.ts';
import type { RawHeaders } from './attempt.ts';

/**
 * One logical request between the caller's handler and the mesh: the one controller that the caller sees, however many
 * attempts there are, and the sink that the winning exchange is accepted with.
 *
 * The caller gets its controller at once, before there is an endpoint, so that an abort during discovery, queueing,
 * connecting or back-off settles at once.
 */
export class Delivery implements Dispatcher.DispatchController, Dispatcher.DispatchHandler, Abortable {
  paused = false;
  reason: Error | null = null;
  rawHeaders: RawHeaders = null;
  rawTrailers: RawHeaders = null;
  /** Links of the list that it is in: see deliveries.ts. */
  prev: Delivery | undefined = undefined;
  next: Delivery | undefined = undefined;

  readonly #call: Call;
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #env: Env;
  readonly #onSettled: (delivery: Delivery) => void;
  #wire: Dispatcher.DispatchController | undefined;
  #done = false;

  constructor(call: Call, handler: Dispatcher.DispatchHandler, env: Env, onSettled: (delivery: Delivery) => void) {
    this.#call = call;
    this.#handler = handler;
    this.#env = env;
    this.#onSettled = onSettled;
  }

  /** The service that it goes to. */
  get service(): string {
    return this.#call.service;
  }

  /** Sends the call through `service`; everything that follows reaches the handler. */
  begin(service: Service): void {
    try {
      this.#handler.onRequestStart?.(this, null);
    } catch (error) {
      this.#fail(error);
    }
    if (this.#done) return;
    this.#call.signal.listen(this);
    let head: Promise<Exchange>;
    try {
      head = service(this.#call);
    } catch (error) {
      this.#fail(error);
      return;
    }
    head.then(
      (exchange) => this.#deliver(exchange),
      (error: unknown) => this.#fail(error),
    );
  }

  // The controller that the caller holds.

  get aborted(): boolean {
    return this.reason !== null;
  }

  abort(reason?: Error): void {
    if (this.#done) return;
    this.reason = reason ?? new MeshError('INMESH_ABORTED', `The caller aborted its request to ${this.#call.service}`);
    this.#fail(this.reason);
    const { service, signal } = this.#call;
    signal.abort(
      new MeshError('INMESH_ABORTED', `The caller aborted its request to ${service}`, { service, cause: reason }),
    );
  }

  pause(): void {
    this.paused = true;
    this.#wire?.pause();
  }

  resume(): void {
    this.paused = false;
    this.#wire?.resume();
  }

  // The sink of the exchange that won.

  onResponseStart(
    wire: Dispatcher.DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    statusText?: string,
  ): void {
    this.#wire = wire;
    this.rawHeaders = wire.rawHeaders ?? null;
    if (this.paused) wire.pause();
    this.#handler.onResponseStart?.(this, statusCode, headers, statusText);
  }

  onResponseData(_wire: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#done) return;
    try {
      this.#handler.onResponseData?.(this, chunk);
    } catch (error) {
      this.#onHandlerError(error);
    }
  }

  onResponseEnd(wire: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    if (this.#done) return;
    this.rawTrailers = wire.rawTrailers ?? null;
    this.#settle();
    this.#handler.onResponseEnd?.(this, trailers);
  }

  onResponseError(_wire: unknown, error: Error): void {
    this.#fail(error);
  }

  onRequestUpgrade(
    wire: Dispatcher.DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
    socket: Duplex,
  ): void {
    this.#wire = wire;
    this.rawHeaders = wire.rawHeaders ?? null;
    this.#settle();
    this.#handler.onRequestUpgrade?.(this, statusCode, headers, socket);
  }

  /**
   * The call was given up: its deadline has passed. Layers that wait for a head reject with what they know of it; a
   * turn later, or at once while a body is under way, the caller is told whether they did or not.
   */
  onAbort(reason: unknown): void {
    if (this.#done) return;
    if (this.#wire === undefined) this.#env.clock.schedule(0, () => this.#fail(reason)).ref();
    else {
      if (this.paused) this.#warnUnread();
      this.#fail(reason);
    }
  }

  #deliver(exchange: Exchange): void {
    if (this.#done) {
      exchange[Symbol.dispose]();
      return;
    }
    // Its own caller's deadline still counts; never is an instant at which nothing fires.
    if (isEndless(exchange)) this.#env.timers.add(this.#call.signal, this.#call.deadline);
    try {
      exchange.accept(this);
    } catch (error) {
      this.#onHandlerError(error);
    }
  }

  /** The caller's own code threw: that is what it is told, and nobody's fault but its own. */
  #onHandlerError(error: unknown): void {
    const { service, signal } = this.#call;
    this.#fail(error);
    signal.abort(
      new MeshError('INMESH_ABORTED', `The caller failed on the response of ${service}`, { service, cause: error }),
    );
  }

  #fail(error: unknown): void {
    if (this.#done) return;
    this.#settle();
    const cause = error instanceof Error ? error : new Error(String(error));
    if (this.#handler.onResponseError === undefined) throw cause;
    this.#handler.onResponseError(this, cause);
  }

  #settle(): void {
    this.#done = true;
    this.#env.timers.remove(this.#call.signal);
    this.#call.signal.unlisten(this);
    this.#onSettled(this);
  }

  #warnUnread(): void {
    const { service } = this.#call;
    this.#env.log.warn(
      { code: 'INMESH_BODY_UNREAD', service },
      `A response of ${service} was not read to its end before its deadline; its connection was closed. ` +
        'Read every body, or cancel it: await response.body.cancel(), or response.body.dump() with undici',
    );
  }
}

/** A stream of events has no end to wait for: the service's deadline has done its work when the head is there. */
function isEndless(exchange: Exchange): boolean {
  const type = exchange.headers['content-type'];
  return type !== undefined && type.startsWith('text/event-stream');
}
