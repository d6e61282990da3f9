// Servers that answer after some milliseconds, however busy the process of the test is; with an identity, over TLS.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { given, tell } from './child.ts';

const [count, latency, identity] = given<[number, number, { cert: string; key: string }?]>();
const answer: RequestListener = (_request, response) => void setTimeout(() => response.end('ok'), latency);
const servers = Array.from({ length: count }, () =>
  identity === undefined ? createServer(answer) : createSecureServer(identity, answer),
);
for (const server of servers) {
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}
tell(
  'addresses',
  servers.map((server) => `127.0.0.1:${(server.address() as AddressInfo).port}`),
);
