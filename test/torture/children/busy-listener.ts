// Listens and never accepts: its loop stands still, and there is room for next to nobody to wait.
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { tell } from './child.ts';

const server = createServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 });
await once(server, 'listening');
tell('address', `127.0.0.1:${(server.address() as AddressInfo).port}`);
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
