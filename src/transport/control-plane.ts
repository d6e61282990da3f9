import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { buildConnector, Pool } from './undici.ts';

/** What a control plane must prove, and what is proved to it. PEM. */
export interface ControlPlaneTls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name it must prove, where that is not its host. */
  readonly servername?: string | undefined;
}

/** An answer whose head is there and whose body comes as it is read. */
export interface ControlPlaneAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
  /** Reads no further; the connection is given up. */
  discard(): void;
}

/** ms; undici's own timer is coarse, which is good enough here. */
const CONNECT_TIMEOUT = 10_000;

/** What is asked for a mesh belongs to no request of the application: it runs in no asynchronous context. */
const outside = AsyncLocalStorage.snapshot();

/**
 * GET requests to one control plane, whose answers may stream for minutes. HTTP/1.1 with a connection for each stream
 * that is open. No socket keeps the process alive. Time limits are the caller's, by `signal`.
 */
export class ControlPlane {
  readonly #pool: Pool;

  /** @param origin `https://host:port` or `http://host:port`. */
  constructor(origin: string, { servername, ...tls }: ControlPlaneTls = {}) {
    const dial = buildConnector({ ...(tls as object), allowH2: false, timeout: CONNECT_TIMEOUT });
    this.#pool = new Pool(origin, {
      allowH2: false,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (options, callback) => {
        const named = servername === undefined ? options : { ...options, servername };
        const socket = dial(named, callback) as unknown as Socket;
        // undici refs a socket that is in use: a watch always is.
        socket.unref().ref = () => socket;
      },
    });
  }

  /** Rejects with what undici or the socket says, or with the signal's reason. */
  get(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<ControlPlaneAnswer> {
    return outside(async () => {
      const answer = await this.#pool.request({ method: 'GET', path, headers, signal });
      // Told to whoever iterates; without a listener an error before that would end the process.
      answer.body.on('error', () => {});
      return {
        statusCode: answer.statusCode,
        headers: answer.headers,
        body: answer.body,
        discard: () => void answer.body.destroy(),
      };
    });
  }

  /** Lets what is open end, then closes. */
  close(): void {
    this.#pool.close().catch(() => {});
  }
}
