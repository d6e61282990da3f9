import { once } from 'node:events';
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type Http2Session,
  type SecureServerOptions,
  type ServerOptions,
  type Settings,
  type ServerHttp2Stream,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** What a server of HTTP/2 does with each stream. */
export type Http2Script = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, session: Http2Session) => void;

/** A server of HTTP/2, in plain text or, with a certificate, over TLS; gone when the test is over. */
export class Http2d {
  /** How many sessions were opened, and streams. */
  sessions = 0;
  streams = 0;
  /** Sessions that are open now. */
  readonly open: Set<Http2Session> = new Set();
  readonly #server: Http2Server;

  private constructor(server: Http2Server) {
    this.#server = server;
  }

  static async start(
    script: Http2Script,
    tls?: SecureServerOptions,
    settings: Settings = {},
    options: ServerOptions = {},
  ): Promise<Http2d> {
    const server =
      tls === undefined ? createServer({ ...options, settings }) : createSecureServer({ ...tls, settings });
    const h2d = new Http2d(server);
    server.on('session', (session: Http2Session) => {
      h2d.sessions++;
      h2d.open.add(session);
      session.on('error', () => {});
      session.on('close', () => h2d.open.delete(session));
    });
    server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      h2d.streams++;
      stream.on('error', () => {});
      script(stream, headers, stream.session!);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => h2d.close());
    return h2d;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const session of this.open) session.destroy();
    if (this.#server.listening) this.#server.close();
  }
}
