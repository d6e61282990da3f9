import { constants, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import { describe, expect, it, onTestFinished } from 'vitest';
import { meshErrorOf } from '../../src/index.ts';
import { delay, Faultd, type Peer, type Script } from '../kit/faultd.ts';
import { Http2d } from '../kit/h2d.ts';
import { send, torture } from './kit.ts';

const TOO_LARGE = 'HTTP/1.1 413 Too Large\r\ncontent-length: 9\r\nconnection: close\r\n\r\ntoo large';
const CHUNK = Buffer.alloc(65_536, 'x');

/** Answers as soon as the first bytes of a request are there, and then deals with the connection as `after` says. */
const early =
  (after: (peer: Peer) => Promise<void> | void): Script =>
  (peer) =>
    void peer.socket.once('data', () => {
      peer.socket.pause();
      peer.write(TOO_LARGE);
      void after(peer);
    });

async function* upload(): AsyncGenerator<Buffer> {
  for (let chunk = 0; chunk < 200; chunk++) {
    yield CHUNK;
    if (chunk % 20 === 0) await delay(1);
  }
}

const bodies: [name: string, body: () => Buffer | AsyncIterable<Buffer>][] = [
  ['a body in memory', () => Buffer.alloc(8_000_000, 'x')],
  ['a body that streams', upload],
];

const endings: [name: string, after: (peer: Peer) => Promise<void> | void][] = [
  ['reads on', (peer) => void peer.socket.resume()],
  ['closes', (peer) => peer.end()],
  ['reads no more, and resets a little later', (peer) => delay(50).then(() => peer.reset())],
];

describe.each(bodies)('17 early-response, %s', (_body, body) => {
  it.each(endings)('is delivered while the request is under way, and the server then %s', async (_ending, after) => {
    const server = await Faultd.start(early(after));
    onTestFinished(() => server.close());
    const { mesh, watch } = torture([server.address], { deadline: '5s' });
    for (let call = 0; call < 5; call++) {
      const answer = await watch.call(() => send(mesh, { method: 'POST', body: body() as never }));
      expect(answer).toMatchObject({ status: 413, text: 'too large' });
    }
    expect(server.connections).toBe(5);
    await watch.check({ healthy: [server.address] });
  });
});

const streamEndings: [name: string, after: (stream: ServerHttp2Stream, session: Http2Session) => void][] = [
  ['resets the stream, as RFC 9113 has it', (stream) => stream.close(constants.NGHTTP2_NO_ERROR)],
  ['leaves', (_stream, session) => session.close()],
  ['breaks the connection', (_stream, session) => void setTimeout(() => session.destroy(), 30)],
];

describe.each(bodies)('17 early-response over HTTP/2, %s', (_body, body) => {
  it.each(streamEndings)(
    'is delivered while the request is under way, and the server then %s',
    async (_name, after) => {
      const server = await Http2d.start((stream, _headers, session) => {
        stream.respond({ ':status': 413 });
        stream.end('too large');
        after(stream, session);
      });
      const { mesh, watch } = torture([server.address], { protocol: 'h2c', deadline: '5s' });
      for (let call = 0; call < 3; call++) {
        const answer = await watch.call(() => send(mesh, { method: 'POST', body: body() as never }));
        expect(answer).toMatchObject({ status: 413, text: 'too large' });
      }
      await watch.check({ healthy: [server.address], sent: server.streams });
    },
  );
});

it('17 an upload that is given up closes its source', async () => {
  const server = await Faultd.start((peer) => void peer.socket.resume());
  onTestFinished(() => server.close());
  const { mesh, watch } = torture([server.address]);
  let closed = false;
  async function* endless(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        yield CHUNK;
        await delay(1);
      }
    } finally {
      closed = true;
    }
  }
  const signal = AbortSignal.timeout(50);
  const upload = send(mesh, { method: 'PUT', body: endless() as never, signal });
  await expect(watch.call(() => upload)).rejects.toThrow('aborted');
  await expect.poll(() => closed).toBe(true);
  await watch.check({ healthy: [server.address], sent: server.requests });
});

describe('17 expect-100', () => {
  it('is refused by name over HTTP/1.1, where undici does not speak it', async () => {
    const server = await Faultd.start(() => {});
    onTestFinished(() => server.close());
    const { mesh, watch } = torture([server.address]);
    const request = { method: 'POST', headers: { expect: '100-continue' }, body: 'an order' } as const;
    const error = meshErrorOf(await watch.call(() => send(mesh, request).catch((reason: unknown) => reason)));
    expect(error?.code).toBe('INMESH_REQUEST_INVALID');
    expect(error?.message).toContain('expect');
    expect(server.connections).toBe(0);
    await watch.check({ healthy: [server.address] });
  });

  it('that is never answered ends in time over HTTP/2, its body unsent', async () => {
    let received = 0;
    const server = await Http2d.start(
      (stream) => void stream.on('data', (chunk: Buffer) => (received += chunk.length)),
    );
    const { mesh, watch } = torture([server.address], {
      protocol: 'h2c',
      deadline: 300,
      attemptTimeout: 100,
      connectTimeout: 50,
    });
    const request = { method: 'POST', expectContinue: true, body: 'an order' } as const;
    const error = meshErrorOf(await watch.call(() => send(mesh, request).catch((reason: unknown) => reason), 300));
    expect(error?.code).toBe('INMESH_ATTEMPT_TIMEOUT');
    expect([received, server.streams]).toEqual([0, 1]);
    await watch.check({ sent: server.streams });
  });
});
