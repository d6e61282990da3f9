import { expect, it } from 'vitest';
import { isMeshError } from '../../src/index.ts';
import { always, Faultd } from '../kit/faultd.ts';
import { send, torture } from './kit.ts';

const HEAD = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';

it.each([
  ['an impossible chunk size', `${HEAD}zz\r\nhello\r\n`],
  ['a chunk longer than its size', `${HEAD}3\r\nhello\r\n0\r\n\r\n`],
  ['a trailer that is none', `${HEAD}2\r\nok\r\n0\r\n\u0001bad\r\n\r\n`],
])('5 chunked-garbage: %s is a protocol error, and its connection is not used again', async (_what, bytes) => {
  const server = await Faultd.start(
    always((peer, { path }) => void (path === '/good' ? peer.respond() : peer.write(bytes))),
  );
  const { mesh, watch } = torture([server.address], { outlier: false });
  const error: unknown = await watch.call(() => send(mesh, { path: '/bad' }).catch((reason: unknown) => reason));
  expect(isMeshError(error, 'INMESH_PROTOCOL')).toBe(true);
  expect((await watch.call(() => send(mesh, { path: '/good' }))).text).toBe('ok');
  expect(server.connections).toBe(2);
  await watch.check();
  await server.close();
});
