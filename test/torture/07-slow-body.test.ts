import { expect, it } from 'vitest';
import { isMeshError } from '../../src/index.ts';
import { always, delay, Faultd } from '../kit/faultd.ts';
import { send, torture } from './kit.ts';

it('7 slow-body-1Bps: the deadline covers the body, and the socket is closed', async () => {
  const server = await Faultd.start(
    always(async (peer) => {
      peer.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n');
      while (!peer.socket.destroyed) {
        peer.write('x');
        await delay(20);
      }
    }),
  );
  const { mesh, watch } = torture([server.address], { deadline: 300, attemptTimeout: 200, connectTimeout: 100 });
  const error: unknown = await watch.call(() => send(mesh).catch((reason: unknown) => reason), 300);
  expect(isMeshError(error, 'INMESH_DEADLINE_EXCEEDED')).toBe(true);
  await delay(50);
  expect(server.open).toBe(0);
  expect(server.requests).toBe(1);
  await watch.check({ healthy: [server.address], sent: server.requests });
  await server.close();
});
