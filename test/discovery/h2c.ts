import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A server that speaks HTTP/2 without TLS and nothing else. */
export async function startH2c(): Promise<{ port: number; versions: string[] }> {
  const versions: string[] = [];
  const server = createServer((request, response) => {
    versions.push(request.httpVersion);
    response.end(`HTTP/${request.httpVersion}`);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, versions };
}
