import { expect, it } from 'vitest';
import { meshErrorOf } from '../../src/index.ts';
import { always, delay, Faultd } from '../kit/faultd.ts';
import { send, torture } from './kit.ts';

it('6 slow-headers: a head that drips in byte by byte is given up in time, attempt by attempt and then for good', async () => {
  const server = await Faultd.start(
    always(async (peer) => {
      for (const byte of 'HTTP/1.1 200 OK\r\nx-slow: very\r\n\r\n') {
        peer.write(byte);
        await delay(50);
        if (peer.socket.destroyed) return;
      }
    }),
  );
  const { mesh, watch } = torture([server.address], {
    deadline: 400,
    attemptTimeout: 150,
    connectTimeout: 100,
    outlier: false,
  });
  const error = meshErrorOf(await watch.call(() => send(mesh).catch((reason: unknown) => reason), 400));
  expect(error?.code).toMatch(/INMESH_(ATTEMPT_TIMEOUT|DEADLINE_EXCEEDED)/);
  expect(server.requests).toBeGreaterThan(1);
  await watch.check({ sent: server.requests });
  await server.close();
});
