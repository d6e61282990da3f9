import { expect, it } from 'vitest';
import { isMeshError } from '../../src/index.ts';
import { always, delay, Faultd } from '../kit/faultd.ts';
import { send, torture } from './kit.ts';

it('3 rst-after-headers: a body that breaks off is an error of the body, is not sent again, and is held against the endpoint once', async () => {
  const server = await Faultd.start(
    always(async (peer) => {
      peer.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n' + 'x'.repeat(50));
      await delay(20);
      peer.reset();
    }),
  );
  const { mesh, watch } = torture([server.address]);
  const failures: unknown[] = [];
  const endpoint = (): { successRate: number } => mesh.service('svc').endpoints()[0]!;

  await watch.call(async () => {
    const { statusCode, body } = await mesh.request({ origin: 'http://svc', path: '/', method: 'GET' });
    expect(statusCode).toBe(200);
    await body.text().catch((error: unknown) => failures.push(error));
  });
  expect(failures).toHaveLength(1);
  expect(isMeshError(failures[0], 'INMESH_RESET')).toBe(true);
  expect(server.requests).toBe(1);
  const once = endpoint().successRate;
  expect(once).toBeLessThan(1);

  await watch.call(() => send(mesh).catch(() => {}));
  const lossOfSecond = once - endpoint().successRate;
  expect(lossOfSecond).toBeGreaterThan(0);
  expect(1 - once).toBeLessThan(1.5 * lossOfSecond);
  await watch.check({ sent: server.requests });
  await server.close();
});
