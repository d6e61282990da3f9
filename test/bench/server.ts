// A server that costs as little as a server can, so that what is measured is the client: raw sockets, one fixed answer.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

const body = JSON.stringify({ items: 'x'.repeat(1_000) });
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: keep-alive\r\n\r\n${body}`,
);

function serve(socket: Socket): void {
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  let rest = '';
  socket.on('data', (chunk) => {
    rest += chunk.toString('latin1');
    for (let end = rest.indexOf('\r\n\r\n'); end >= 0; end = rest.indexOf('\r\n\r\n')) {
      rest = rest.slice(end + 4);
      socket.write(answer);
    }
  });
}

const ports: number[] = [];
for (let index = 0; index < 3; index++) {
  const server = createServer(serve).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ports.push((server.address() as AddressInfo).port);
}
process.send?.(ports);
process.on('disconnect', () => process.exit());
