import { codingsOf, DecodedBody } from './decode.ts';
import { aborted, ArrivingBody, type Flow, type Pieces } from './pieces.ts';
import { followRedirect, isRedirect } from './redirect.ts';
import type { PlainRequest } from './request.ts';
import { type Fields, makeResponse, type Provenance } from './response.ts';
import { type Abortable, unwatch, watch } from './signals.ts';

/** What a dispatcher lets its caller do with a request under way. */
export interface Controller {
  pause(): void;
  resume(): void;
  abort(reason: Error): void;
}

/** The part of undici's `Dispatcher` that a fetch needs. */
export interface FetchDispatcher {
  dispatch(options: object, handler: object): boolean;
}

/** Who waits for the response, through however many redirects. */
interface Waiting {
  resolve(response: Response): void;
  reject(reason: unknown): void;
}

interface Journey {
  readonly hops: number;
  readonly type: Provenance['type'];
  /** A 421 is asked again, once. */
  readonly again: boolean;
}

const SETTING_OUT: Journey = { hops: 0, type: 'basic', again: false };

/** As much as is read of a body that nobody will see, to keep its connection. */
const DUMPED = 65_536;

/** One request on the wire and its response: the handler that the dispatcher calls. */
export class FetchCall implements Abortable, Flow {
  readonly #dispatcher: FetchDispatcher;
  readonly #request: PlainRequest;
  /** Let go of once it has its answer: through it, this would keep the response alive as long as the connection. */
  #waiting: Waiting | undefined;
  readonly #journey: Journey;
  #controller: Controller | null | undefined = undefined;
  #body: ArrivingBody | undefined = undefined;
  #over = false;
  #dumped = 0;

  constructor(dispatcher: FetchDispatcher, request: PlainRequest, waiting: Waiting, journey: Journey = SETTING_OUT) {
    this.#dispatcher = dispatcher;
    this.#request = request;
    this.#waiting = waiting;
    this.#journey = journey;
  }

  begin(): void {
    const { target, method, fields, body, signal } = this.#request;
    if (signal !== undefined) watch(signal, this);
    try {
      this.#dispatcher.dispatch(
        { origin: target.origin, path: target.path, method, headers: fields, body, maxRedirections: 0 },
        this,
      );
    } catch (error) {
      this.onResponseError(null, error);
    }
  }

  onRequestStart(controller: Controller): void {
    // Given up while it waited for a connection: a throw leaves the connection alone, an abort would cut it.
    if (this.#over) throw aborted();
    this.#controller = controller;
  }

  onResponseStart(controller: Controller, status: number, headers: Fields, statusText = ''): void {
    if (status < 200 || this.#over) return;
    this.#controller = controller;
    const { target, method, redirect, signal } = this.#request;
    const { hops, type, again } = this.#journey;

    if (status === 407) return this.#refuse(new Error());
    if (status === 421 && !again) {
      this.#leave();
      controller.abort(aborted());
      return this.#next(this.#request, { hops, type, again: true });
    }
    if (isRedirect(status) && redirect !== 'manual') {
      if (redirect === 'error') return this.#refuse(new Error('unexpected redirect'));
      const location = headers['location'];
      if (location !== undefined) return this.#follow(status, String(location));
    }

    let arriving: ArrivingBody | undefined;
    let body: Pieces | null = null;
    if (method !== 'HEAD' && status !== 204 && status !== 205 && status !== 304) {
      let codings: ReturnType<typeof codingsOf> = [];
      const encoding = headers['content-encoding'];
      if (encoding !== undefined) {
        try {
          codings = codingsOf(encoding);
        } catch (error) {
          this.#refuse(error);
          controller.abort(error as Error);
          return;
        }
      }
      arriving = new ArrivingBody(this, signal);
      body = codings.length === 0 ? arriving : new DecodedBody(arriving, codings);
    }
    const from = { url: target.url, redirected: hops > 0, type };
    const response = makeResponse({ status, statusText, headers }, body, from);
    this.#body = arriving;
    this.#waiting?.resolve(response);
    this.#waiting = undefined;
  }

  onResponseData(controller: Controller, chunk: Uint8Array): void {
    if (this.#body !== undefined) {
      this.#body.push(chunk);
      return;
    }
    this.#dumped += chunk.length;
    if (this.#dumped > DUMPED) controller.abort(aborted());
  }

  onResponseEnd(): void {
    this.#leave();
    this.#body?.end();
  }

  onResponseError(_controller: Controller | null | undefined, error: unknown): void {
    if (this.#body !== undefined) {
      this.#leave();
      this.#body.fail(new TypeError('terminated', { cause: error }));
    } else {
      this.#refuse(
        isAbort(error) ? Object.assign(new DOMException('Request was cancelled.'), { cause: error }) : error,
      );
    }
  }

  /** The caller's signal: nothing of this request matters any more. */
  abort(reason: unknown): void {
    if (this.#over) return;
    this.#leave();
    if (this.#body === undefined) this.#waiting?.reject(reason);
    else this.#body.abort(reason);
    this.#controller?.abort((reason || aborted()) as Error);
  }

  // What the body asks of the connection.

  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    this.#controller?.resume();
  }

  #refuse(cause: unknown): void {
    if (this.#over) return;
    this.#leave();
    this.#waiting?.reject(new TypeError('fetch failed', { cause }));
  }

  #follow(status: number, location: string): void {
    const { hops, type } = this.#journey;
    let next: PlainRequest;
    try {
      next = followRedirect(this.#request, status, location, hops);
    } catch (error) {
      return this.#refuse(error);
    }
    this.#leave();
    const foreign = next.target.origin !== this.#request.target.origin;
    this.#next(next, { hops: hops + 1, type: foreign ? 'cors' : type, again: false });
  }

  #next(request: PlainRequest, journey: Journey): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) new FetchCall(this.#dispatcher, request, waiting, journey).begin();
  }

  #leave(): void {
    this.#over = true;
    const { signal } = this.#request;
    if (signal !== undefined) unwatch(signal, this);
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
