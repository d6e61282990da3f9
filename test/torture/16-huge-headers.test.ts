import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { meshErrorOf } from '../../src/index.ts';
import { always, Faultd } from '../kit/faultd.ts';
import { Http2d } from '../kit/h2d.ts';
import { send, torture } from './kit.ts';

const EARLY_HINT = 'HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n';

describe('16 huge-headers', () => {
  it.each([
    ['64 KB', `HTTP/1.1 200 OK\r\nx-huge: ${'x'.repeat(65_536)}\r\ncontent-length: 0\r\n\r\n`],
    ['ten thousand small fields', `HTTP/1.1 200 OK\r\n${'x-many: small\r\n'.repeat(10_000)}\r\n`],
    ['no end', `HTTP/1.1 200 OK\r\n${'x-endless: field\r\n'.repeat(100_000)}`],
    ['ten thousand early hints before it', `${EARLY_HINT.repeat(10_000)}HTTP/1.1 200 OK\r\n\r\n`],
    ['ten thousand early hints in its place', EARLY_HINT.repeat(10_000)],
  ])('a response head of %s is an error by name, and its connection is closed', async (_head, bytes) => {
    const server = await Faultd.start(always((peer) => void peer.write(bytes)));
    onTestFinished(() => server.close());
    const { mesh, watch } = torture([server.address], { breaker: false });
    const doors = [
      () => send(mesh),
      () => send(mesh, { method: 'POST', body: 'an order' }),
      () => mesh.fetch('http://svc/').then((response) => response.text()),
    ];
    for (const door of doors) {
      const error = meshErrorOf(await watch.call(() => door().catch((reason: unknown) => reason)));
      expect([error?.code, error?.blame]).toEqual(['INMESH_PROTOCOL', 'endpoint']);
    }
    await watch.check({ sent: server.requests });
    await expect.poll(() => server.open).toBe(0);
  });

  it('a request head of 16 KB gets the answer that its server gives: 431, and nobody is blamed', async () => {
    const server = createServer((_request, response) => void response.end('ok'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { mesh, watch } = torture([address]);
    for (let call = 0; call < 10; call++) {
      const huge = { 'x-huge': 'x'.repeat(16_384) };
      expect((await watch.call(() => send(mesh, { headers: huge }))).status).toBe(431);
    }
    expect((await watch.call(() => send(mesh))).status).toBe(200);
    await watch.check({ healthy: [address] });
  });
});

describe('16 1xx flood', () => {
  it('a few are heard, and the answer after them is delivered', async () => {
    const server = await Faultd.start(always((peer) => void peer.write(EARLY_HINT.repeat(20)).respond(200, 'after')));
    onTestFinished(() => server.close());
    const { mesh, watch } = torture([server.address]);
    expect(await watch.call(() => send(mesh))).toMatchObject({ status: 200, text: 'after' });
    await watch.check({ healthy: [server.address], sent: server.requests });
  });

  it('over HTTP/2, a thousand are an error by name', async () => {
    const server = await Http2d.start((stream) => {
      for (let hint = 0; hint < 1_000 && !stream.destroyed; hint++) stream.additionalHeaders({ ':status': 103 });
    });
    const { mesh, watch } = torture([server.address], { protocol: 'h2c' });
    const error = meshErrorOf(
      await watch.call(() => send(mesh, { method: 'POST' }).catch((reason: unknown) => reason)),
    );
    expect(error?.code).toBe('INMESH_PROTOCOL');
    await watch.check({ sent: server.streams });
  });
});
