/**
 * A backend: one HTTP server in a process of its own. It answers after about 20 ms, as its parent tells it: `well`,
 * `slow` (ten times that) or `failing` (500, and at once). It ends when its parent does, whatever happened to that.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a backend's parent may tell it. */
export type Mode = 'well' | 'slow' | 'failing';

const [name = 'backend'] = process.argv.slice(2);
let mode: Mode = 'well';

/** Service times as they are: most near the median, a few several times longer. */
function serviceTime(): number {
  const spread = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  const median = mode === 'slow' ? 200 : 20;
  return median * Math.exp(0.25 * spread);
}

const server = createServer((_request, response) => {
  if (mode === 'failing') {
    response.writeHead(500).end('broken');
    return;
  }
  setTimeout(() => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ from: name }));
  }, serviceTime());
});

process.on('message', (told: Mode) => (mode = told));
process.on('disconnect', () => process.exit());
// Ctrl-C reaches the whole process group; the parent decides when its backends end.
process.on('SIGINT', () => {});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
