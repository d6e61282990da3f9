import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, type Timer } from '../core/clock.ts';

/** An answer. */
export interface ScriptedAnswer {
  /** @defaultValue 200 */
  readonly status?: number;
  /** @defaultValue none */
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Milliseconds between the whole request and its answer. @defaultValue 0 */
  readonly delay?: number;
}

/** What to do with a request: answer it, never answer it (`hang`), or reset its connection (`reset`). */
export type ScriptedBehaviour = ScriptedAnswer | 'hang' | 'reset';

/** A request that came. */
export interface ScriptedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** As much of it as has come. */
  readonly body: Buffer;
}

/**
 * A real HTTP server on 127.0.0.1 that behaves as a test says. At first it answers everything with an empty 200.
 *
 * @example
 * const endpoint = await ScriptedEndpoint.start();
 * endpoint.respond(200, 'ok').next({ status: 503 }, 'reset'); // a 503, then a reset, then 'ok' for ever
 * endpoint.requests.length; // how many came
 * await endpoint.close();
 */
export class ScriptedEndpoint {
  /** `127.0.0.1:port`. */
  readonly address: string;
  readonly port: number;
  /** The requests that came, in order; emptying it is allowed. */
  requests: ScriptedRequest[] = [];
  readonly #server: Server;
  readonly #timers: Set<Timer> = new Set();
  #next: ScriptedBehaviour[] = [];
  #standing: ScriptedBehaviour = {};
  #delay = 0;

  /** Starts one, on a free port unless one is given. */
  static async start(port = 0): Promise<ScriptedEndpoint> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    return new ScriptedEndpoint(server);
  }

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.address = `127.0.0.1:${this.port}`;
    server.on('request', (request, response) => this.#take(request, response));
  }

  /** From now on, answers so. */
  respond(status: number, body?: string | Uint8Array, headers?: ScriptedAnswer['headers']): this {
    this.#standing = { status, ...(body !== undefined && { body }), ...(headers !== undefined && { headers }) };
    return this;
  }

  /** From now on, answers `ms` milliseconds after the request, where the answer names no delay of its own. */
  delay(ms: number): this {
    this.#delay = ms;
    return this;
  }

  /** From now on, takes requests and never answers. */
  hang(): this {
    this.#standing = 'hang';
    return this;
  }

  /** From now on, resets the connection (RST) of every request. */
  reset(): this {
    this.#standing = 'reset';
    return this;
  }

  /** The next requests meet these, one each, before what stands applies again. */
  next(...behaviours: ScriptedBehaviour[]): this {
    this.#next.push(...behaviours);
    return this;
  }

  /** Cuts all connections and stops listening. Closing twice is allowed. */
  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const behaviour = this.#next.shift() ?? this.#standing;
    const record = { method: request.method!, path: request.url!, headers: request.headers, body: Buffer.alloc(0) };
    this.requests.push(record);
    request.on('error', () => {});
    if (behaviour === 'reset') return void request.socket.resetAndDestroy();
    request.on('data', (chunk: Buffer) => (record.body = Buffer.concat([record.body, chunk])));
    if (behaviour === 'hang') return;
    request.on('end', () => this.#answerLater(response, behaviour));
  }

  #answerLater(response: ServerResponse, answer: ScriptedAnswer): void {
    const delay = answer.delay ?? this.#delay;
    if (delay === 0) return reply(response, answer);
    const timer = systemClock.schedule(delay, () => {
      this.#timers.delete(timer);
      reply(response, answer);
    });
    this.#timers.add(timer);
  }
}

function reply(response: ServerResponse, { status = 200, body, headers = {} }: ScriptedAnswer): void {
  if (response.destroyed) return;
  response.writeHead(status, { ...headers });
  response.end(body);
}
