import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** A request as it came over the wire. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  /** Names in lower case; a name that came twice has its values in one list, in order. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** The head's bytes as text. */
  readonly head: string;
  readonly body: string;
}

/** What a fault script does with each connection. */
export type Script = (peer: Peer, connection: number) => Promise<void> | void;

/** A server of raw sockets that answers, byte by byte and millisecond by millisecond, as its script says. */
export class Faultd {
  /** How many connections were opened, and requests read. */
  connections = 0;
  requests = 0;
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(script: Script, { port = 0, host = '127.0.0.1' } = {}): Promise<Faultd> {
    const server = createServer();
    const faultd = new Faultd(server);
    server.on('connection', (socket) => {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      faultd.#sockets.add(socket);
      socket.on('close', () => faultd.#sockets.delete(socket));
      void script(new Peer(socket, () => faultd.requests++), faultd.connections++);
    });
    server.listen(port, host);
    await once(server, 'listening');
    return faultd;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, 'close');
  }
}

/** One connection, seen from the server. */
export class Peer {
  readonly socket: Socket;
  readonly #onRequest: () => void;
  #buffer = '';
  #wake: () => void = () => {};
  #ended = false;

  constructor(socket: Socket, onRequest: () => void) {
    this.socket = socket;
    this.#onRequest = onRequest;
    socket.on('data', (chunk: Buffer) => {
      this.#buffer += chunk.toString('latin1');
      this.#wake();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake();
    };
    socket.on('end', end).on('close', end);
  }

  /** The next request with its body; undefined when the client has closed. */
  async request(): Promise<WireRequest | undefined> {
    const head = await this.#until('\r\n\r\n');
    if (head === undefined) return undefined;
    const [line = '', ...fields] = head.slice(0, -4).split('\r\n');
    const [method = '', path = ''] = line.split(' ');
    const headers: Record<string, string[]> = {};
    for (const field of fields) {
      const colon = field.indexOf(':');
      (headers[field.slice(0, colon).toLowerCase()] ??= []).push(field.slice(colon + 1).trim());
    }
    const body = await this.#body(headers);
    if (body === undefined) return undefined;
    this.#onRequest();
    return { method, path, headers, head, body };
  }

  write(bytes: string): this {
    if (this.socket.writable) this.socket.write(bytes, 'latin1');
    return this;
  }

  /** A whole answer with a content-length. */
  respond(status = 200, body = 'ok', headers: Record<string, string> = {}): this {
    const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return this.write(
      `HTTP/1.1 ${status} X\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${fields.join('')}\r\n${body}`,
    );
  }

  /** Closes with FIN. */
  end(): void {
    this.socket.end();
  }

  /** Closes with RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  async #body(headers: Record<string, string[]>): Promise<string | undefined> {
    const length = Number(headers['content-length']?.[0] ?? 0);
    if (headers['transfer-encoding']?.[0] !== 'chunked') return length > 0 ? this.#take(length) : '';
    let body = '';
    for (;;) {
      const size = await this.#until('\r\n');
      if (size === undefined) return undefined;
      const chunk = await this.#take(Number.parseInt(size, 16) + 2);
      if (chunk === undefined) return undefined;
      if (chunk.length === 2) return body;
      body += chunk.slice(0, -2);
    }
  }

  async #until(mark: string): Promise<string | undefined> {
    for (;;) {
      const end = this.#buffer.indexOf(mark);
      if (end >= 0) return this.#take(end + mark.length);
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async #take(length: number): Promise<string | undefined> {
    while (this.#buffer.length < length) {
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const taken = this.#buffer.slice(0, length);
    this.#buffer = this.#buffer.slice(length);
    return taken;
  }
}

/** A script that answers every request in the same way. */
export function always(answer: (peer: Peer, request: WireRequest) => Promise<void> | void): Script {
  return async (peer) => {
    for (let request = await peer.request(); request !== undefined; request = await peer.request())
      await answer(peer, request);
  };
}

/** Real milliseconds: only where a real socket must stay silent for real. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
