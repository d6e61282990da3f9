/**
 * Server-sent events pass through as they come: in flight as long as they last, not counted in latency.
 *
 *     node examples/streaming.ts
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMesh } from 'inmesh';

const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  let count = 0;
  const ticking = setInterval(() => response.write(`data: tick ${++count}\n\n`), 50);
  response.on('close', () => clearInterval(ticking));
}).listen(0, '127.0.0.1');
await once(server, 'listening');

const mesh = createMesh({ services: { prices: `static://127.0.0.1:${(server.address() as AddressInfo).port}` } });
const inFlight = (): number => mesh.service('prices').endpoints()[0]!.inFlight;

const response = await mesh.fetch('http://prices/stream');
let seen = 0;
for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
  console.log(`${text.trim()} (in flight: ${inFlight()})`);
  if (++seen === 3) break; // leaving the loop cancels the body, and so the request
}
console.log(`left (in flight: ${inFlight()})`);

await mesh.close();
server.close();
