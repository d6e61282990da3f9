import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TlsOptions, type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import { always, Peer } from './faultd.ts';

/** What a server of HTTP/1.1 over TLS has seen. */
export interface Tlsd {
  readonly address: string;
  /** Connections, handshakes that came to their end, and requests. */
  connections: number;
  handshakes: number;
  requests: number;
  /** The name that the last client asked for. */
  servername: string | undefined;
  /** The last connection whose handshake came to its end. */
  socket: TLSSocket | undefined;
}

/** Starts one, which answers every request with 200 and closes when the test is over. */
export async function startTlsd(
  options: TlsOptions,
  headers: Record<string, string> = {},
  status = 200,
): Promise<Tlsd> {
  const answer = always((peer) => void peer.respond(status, 'ok', headers));
  const server = createServer(options, (socket) => {
    socket.on('error', () => {});
    seen.handshakes++;
    seen.socket = socket;
    // Node documents it, its types leave it out.
    seen.servername = (socket as TLSSocket & { servername?: string }).servername;
    void answer(new Peer(socket, () => seen.requests++), 0);
  });
  server.on('tlsClientError', () => {});
  server.on('connection', () => seen.connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const address = `127.0.0.1:${port}`;
  const seen: Tlsd = {
    address,
    connections: 0,
    handshakes: 0,
    requests: 0,
    servername: undefined,
    socket: undefined,
  };
  return seen;
}
