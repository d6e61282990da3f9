import { type AddressInfo, createServer, type Server } from 'node:net';
import { Pool } from 'undici';
import type { Call } from '../../src/model/call.ts';
import type { Exchange } from '../../src/model/exchange.ts';
import type { Service } from '../../src/model/service.ts';
import { propagationLayer, type RequestHeaders } from '../../src/telemetry/index.ts';
import { fakeCall, FakeExchange } from '../kit/fakes.ts';

/** One request head as it came over the socket: its header lines, names in lower case. */
export type Head = readonly (readonly [name: string, value: string])[];

/** A raw server that keeps what it is sent, and a service that reaches it through the propagation layer and a pool. */
export class Wire implements AsyncDisposable {
  readonly heads: Head[] = [];
  readonly #server: Server;
  readonly #pool: Pool;

  private constructor(server: Server, pool: Pool) {
    this.#server = server;
    this.#pool = pool;
  }

  static async open(connections = 1): Promise<Wire> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const wire = new Wire(server, new Pool(`http://127.0.0.1:${port}`, { connections }));
    server.on('connection', (socket) => {
      let text = '';
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
          wire.heads.push(headOf(text.slice(0, end)));
          text = text.slice(end + 4);
          socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        }
      });
    });
    return wire;
  }

  /** Sends one request; returns the head as the server saw it. */
  async send(given: Partial<Call> & { headers?: RequestHeaders; propagation?: 'auto' | 'off' } = {}): Promise<Head> {
    const { headers, propagation = 'auto', ...call } = given;
    const id = `/${Math.random()}`;
    const service = propagationLayer({ propagation })(this.#leaf);
    await service(fakeCall({ request: { path: id, method: 'GET', headers: headers as string[] }, ...call }));
    return this.heads.find(([requestLine]) => requestLine![1].includes(id))!;
  }

  readonly #leaf: Service = ({ request }) =>
    new Promise<Exchange>((resolve, reject) => {
      this.#pool.dispatch(request, {
        onRequestStart: () => {},
        onResponseStart: () => {},
        onResponseData: () => {},
        onResponseEnd: () => resolve(new FakeExchange()),
        onResponseError: (_controller, error) => reject(error),
      });
    });

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close();
    this.#server.close();
  }
}

/** All values that came under a name: two lines give two. */
export function valuesOf(head: Head, name: string): string[] {
  return head.filter(([other]) => other === name).map(([, value]) => value);
}

function headOf(text: string): Head {
  const [requestLine, ...lines] = text.split('\r\n');
  return [
    ['', requestLine!],
    ...lines.map(
      (line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)] as const,
    ),
  ];
}
