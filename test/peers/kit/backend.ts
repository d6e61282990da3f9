import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';

/** A plain HTTP server of this process that answers with its own address, the method and the body it got. */
export interface Backend {
  readonly address: string;
  readonly port: number;
  /** How many requests it has had. */
  readonly requests: number;
  stop: () => Promise<void>;
}

export async function startBackend(host = '127.0.0.1', port = 0): Promise<Backend> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => response.end(`${host} ${request.method} ${Buffer.concat(chunks).toString()}`.trimEnd()));
  });
  server.listen(port, host);
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  return {
    address: `${host}:${bound}`,
    port: bound,
    get requests() {
      return requests;
    },
    async stop() {
      server.close();
      server.closeIdleConnections();
      await once(server, 'close');
    },
  };
}
