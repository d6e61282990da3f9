import { expect, it } from 'vitest';
import { isMeshError } from '../../src/index.ts';
import { always, Faultd } from '../kit/faultd.ts';
import { send, torture } from './kit.ts';

it('4 truncated-body: fewer bytes than announced are an error through every door, never a short success', async () => {
  const server = await Faultd.start(
    always((peer) => {
      peer.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n' + 'x'.repeat(60)).end();
    }),
  );
  const { mesh, watch } = torture([server.address], { outlier: false });
  const failed = (error: unknown): string => (isMeshError(error) ? 'failed' : String(error));
  expect(await watch.call(() => send(mesh).then(() => 'short success', failed))).toBe('failed');
  const fetched = async (): Promise<string> => (await mesh.fetch('http://svc/')).text();
  expect(await watch.call(() => fetched().then(() => 'short success', failed))).toBe('failed');
  expect(server.requests).toBe(2);
  await watch.check();
  await server.close();
});
