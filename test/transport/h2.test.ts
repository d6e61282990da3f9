import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createMesh, isMeshError, type Mesh, type ServiceOptions } from '../../src/index.ts';
import { silentLogger } from '../../src/core/log.ts';
import { Authority, type Identity } from '../kit/certificates.ts';
import { Http2d, type Http2Script } from '../kit/h2d.ts';
import { startTlsd } from '../kit/tlsd.ts';

let authority: Authority;
let identity: Identity;

beforeAll(async () => {
  authority = await Authority.create();
  identity = await authority.issue({ names: ['orders'] });
});

function meshOf(address: string, options: Omit<ServiceOptions, 'target'>): Mesh {
  const mesh = createMesh({ services: { orders: { target: `static://${address}`, ...options } }, log: silentLogger });
  onTestFinished(() => mesh.close());
  return mesh;
}

async function read(stream: ServerHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Answers with what was asked: pseudo headers and body. */
const echo: Http2Script = (stream, headers) => {
  void read(stream).then((body) => {
    stream.respond({ ':status': 200, 'content-type': 'application/json' });
    const { ':method': method, ':authority': host, ':path': path, ':scheme': scheme } = headers;
    stream.end(JSON.stringify({ method, host, path, scheme, body: body.toString() }));
  });
};

/** A message of gRPC: not compressed, its length, its bytes. */
function framed(message: string): Buffer {
  const frame = Buffer.alloc(5 + Buffer.byteLength(message));
  frame.writeUInt32BE(frame.length - 5, 1);
  frame.write(message, 5);
  return frame;
}

/** A unary call as gRPC makes it, its status in the trailers, or in the head where there is no message. */
const grpc: Http2Script = (stream, headers) => {
  void read(stream).then((body) => {
    const trailers = { 'grpc-status': '0', 'grpc-message': '' };
    if (headers[':path'] === '/Orders/Missing') {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5' }, { endStream: true });
      return;
    }
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.end(framed(`hello ${body.subarray(5).toString()}`));
  });
};

const protocols = [
  ['h2c', () => undefined, () => ({ protocol: 'h2c' as const })],
  ['h2', () => identity, () => ({ protocol: 'h2' as const, tls: { ca: authority.cert } })],
] as const;

describe.each(protocols)('%s', (protocol, tls, options) => {
  it('carries requests and answers, many at once on one connection, to the service by its name', async () => {
    const server = await Http2d.start(echo, tls());
    const mesh = meshOf(server.address, options());
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const response = await mesh.fetch(`http://orders/${index}`, { method: 'POST', body: `order ${index}` });
        return response.json();
      }),
    );
    const scheme = protocol === 'h2' ? 'https' : 'http';
    expect(answers).toEqual(
      answers.map((_, index) => {
        return { method: 'POST', host: 'orders', path: `/${index}`, scheme, body: `order ${index}` };
      }),
    );
    expect(server.streams).toBe(50);
    expect(server.sessions).toBeLessThanOrEqual(2);
  });

  it('carries a unary call of gRPC, its status in the trailers', async () => {
    const server = await Http2d.start(grpc, tls());
    const mesh = meshOf(server.address, options());
    const call = (path: string): ReturnType<Mesh['request']> =>
      mesh.request({
        origin: 'http://orders',
        path,
        method: 'POST',
        headers: { 'content-type': 'application/grpc', te: 'trailers' },
        body: framed('world'),
      });
    const { body, headers, trailers } = await call('/Orders/Greet');
    expect(headers['content-type']).toBe('application/grpc');
    expect(Buffer.from(await body.arrayBuffer())).toEqual(framed('hello world'));
    expect(trailers).toMatchObject({ 'grpc-status': '0' });
    const missing = await call('/Orders/Missing');
    await missing.body.dump();
    expect(missing.headers['grpc-status']).toBe('5');
  });

  it('carries many large bodies at once, which in memory are more than a session of Node’s may hold', async () => {
    const lengths: (string | undefined)[] = [];
    const count: Http2Script = (stream, headers) => {
      lengths.push(headers['content-length']);
      void read(stream).then((body) => {
        stream.respond({ ':status': 200 });
        stream.end(`${body.length} ${body.every((byte) => byte === 120)}`);
      });
    };
    const server = await Http2d.start(count, tls(), undefined, { maxSessionMemory: 1_000 });
    const mesh = meshOf(server.address, { ...options(), limits: { perEndpoint: 100 }, retry: false });
    const body = Buffer.alloc(4_000_001, 'x');
    const bodies = [body, body.toString(), new Uint8Array(body), body, body, body];
    const answers = bodies.map(async (each) => {
      const answer = await mesh.request({ origin: 'http://orders', path: '/', method: 'POST', body: each });
      return answer.body.text();
    });
    expect(await Promise.all(answers)).toEqual(bodies.map(() => '4000001 true'));
    expect(lengths).toEqual(bodies.map(() => '4000001'));
    expect(server.sessions).toBe(1);
  });

  it('resets the stream alone of a request that is given up: the connection stays', async () => {
    let closed = 0;
    const server = await Http2d.start((stream, headers, session) => {
      if (headers[':path'] !== '/hang') return echo(stream, headers, session);
      stream.on('close', () => closed++);
    }, tls());
    const mesh = meshOf(server.address, options());
    const signal = AbortSignal.timeout(50);
    await expect(mesh.fetch('http://orders/hang', { signal })).rejects.toThrow('aborted due to timeout');
    await expect.poll(() => closed).toBe(1);
    expect((await mesh.fetch('http://orders/next')).status).toBe(200);
    expect(server.sessions).toBe(1);
  });
});

describe('what was agreed on', () => {
  it('is HTTP/1.1 where an h2 server offers nothing better', async () => {
    const server = createSecure(identity, (request, response) => void response.end(request.httpVersion));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const mesh = meshOf(address, { protocol: 'h2', tls: { ca: authority.cert } });
    expect(await (await mesh.fetch('http://orders/')).text()).toBe('1.1');
  });

  it('is not HTTP/2 where https is said, though the server would', async () => {
    const server = await startTlsd({ ...identity, ALPNProtocols: ['h2', 'http/1.1'] });
    const mesh = meshOf(server.address, { protocol: 'https', tls: { ca: authority.cert } });
    expect((await mesh.fetch('http://orders/')).status).toBe(200);
    expect(server.socket?.alpnProtocol).toBe('http/1.1');
  });

  it('is an error by name where a server of HTTP/1.1 is spoken to in h2c', async () => {
    const server = createServer((_request, response) => void response.end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const mesh = meshOf(address, { protocol: 'h2c', deadline: '2s', attemptTimeout: '500ms' });
    const error: unknown = await mesh.fetch('http://orders/').catch((reason: unknown) => reason);
    expect(isMeshError(error, 'INMESH_PROTOCOL')).toBe(true);
  });
});
