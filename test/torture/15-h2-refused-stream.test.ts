import { constants, type ServerHttp2Stream } from 'node:http2';
import { expect, it } from 'vitest';
import { meshErrorOf } from '../../src/index.ts';
import { Http2d } from '../kit/h2d.ts';
import { send, torture } from './kit.ts';

const answer = (stream: ServerHttp2Stream): void => {
  stream.respond({ ':status': 200 });
  stream.end('ok');
};
const refuse = (stream: ServerHttp2Stream): void => stream.close(constants.NGHTTP2_REFUSED_STREAM);

it('15 h2-refused-stream: what is refused unread is sent elsewhere, whatever its method, and is done once', async () => {
  const effects = new Map<string, number>();
  const refusing = await Http2d.start(refuse);
  const good = await Http2d.start((stream, headers) => {
    const path = headers[':path']!;
    effects.set(path, (effects.get(path) ?? 0) + 1);
    answer(stream);
  });
  const { mesh, watch } = torture([refusing.address, good.address], {
    protocol: 'h2c',
    balancer: 'round-robin',
    outlier: false,
    retry: { budget: { floorPerSecond: 100 } },
  });
  for (const method of ['GET', 'POST', 'PATCH'] as const) {
    for (let call = 0; call < 10; call++) {
      const body = method === 'GET' ? null : 'an order';
      expect((await watch.call(() => send(mesh, { method, path: `/${method}/${call}`, body }))).status).toBe(200);
    }
  }
  expect(refusing.streams).toBeGreaterThan(10);
  await watch.check({ healthy: [good.address], effects: effects.values() });
});

it('15 rst_stream storm: a server that resets every stream is failed by name, within the retry budget', async () => {
  const server = await Http2d.start((stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  const { mesh, watch } = torture([server.address], { protocol: 'h2c', breaker: false });
  const calls = Array.from({ length: 100 }, () =>
    watch.call(() => send(mesh).then(String, (error: unknown) => meshErrorOf(error)?.code)),
  );
  expect(new Set(await Promise.all(calls))).toEqual(new Set(['INMESH_PROTOCOL']));
  await watch.check({ sent: server.streams });
});

it('15 max_streams=1: calls wait for their turn within their bounds, and all are served', async () => {
  let most = 0;
  let now = 0;
  const server = await Http2d.start(
    (stream) => {
      most = Math.max(most, ++now);
      setTimeout(() => {
        now--;
        answer(stream);
      }, 2);
    },
    undefined,
    { maxConcurrentStreams: 1 },
  );
  const { mesh, watch } = torture([server.address], { protocol: 'h2c', limits: { perEndpoint: 100 } });
  const calls = Array.from({ length: 60 }, () => watch.call(() => send(mesh)));
  for (const { status } of await Promise.all(calls)) expect(status).toBe(200);
  expect(most).toBe(1);
  await watch.check({ healthy: [server.address], sent: server.streams });
});
