import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createSocketServer, type Server } from 'node:net';
import zlib from 'node:zlib';

/** Two origins that answer alike, one that speaks raw bytes, and one where nobody listens. */
export interface Servers {
  readonly here: string;
  readonly there: string;
  readonly raw: string;
  readonly nobody: string;
  /** Bytes the server could write of its endless body before the client stalled it; the last such request. */
  readonly written: { bytes: number; closed: boolean };
  /** What each origin saw, since it was last taken. */
  takeSeen(): object[];
  close(): Promise<void>;
}

const TEXT = 'hello, wörld '.repeat(40);

const ENCODED: Record<string, { encoding: string; body: () => Buffer }> = {
  gzip: { encoding: 'gzip', body: () => zlib.gzipSync(TEXT) },
  'x-gzip': { encoding: 'X-GZIP', body: () => zlib.gzipSync(TEXT) },
  br: { encoding: 'br', body: () => zlib.brotliCompressSync(TEXT) },
  deflate: { encoding: 'deflate', body: () => zlib.deflateSync(TEXT) },
  'deflate-raw': { encoding: 'deflate', body: () => zlib.deflateRawSync(TEXT) },
  zstd: { encoding: 'zstd', body: () => zlib.zstdCompressSync(TEXT) },
  chain: { encoding: 'gzip, br', body: () => zlib.brotliCompressSync(zlib.gzipSync(TEXT)) },
  'chain-deflate': { encoding: 'deflate, gzip', body: () => zlib.gzipSync(zlib.deflateRawSync(TEXT)) },
  unknown: { encoding: 'rot13', body: () => Buffer.from(TEXT) },
  'unknown-chain': { encoding: 'rot13, gzip', body: () => zlib.gzipSync(TEXT) },
  identity: { encoding: 'identity', body: () => Buffer.from(TEXT) },
  corrupt: { encoding: 'gzip', body: () => Buffer.from('this is no gzip at all') },
  'corrupt-late': { encoding: 'gzip', body: () => spoil(zlib.gzipSync(noise(200_000))) },
  'corrupt-br': { encoding: 'br', body: () => Buffer.from('this is no brotli at all') },
  cut: { encoding: 'gzip', body: () => zlib.gzipSync(TEXT).subarray(0, -12) },
  empty: { encoding: 'gzip', body: () => Buffer.alloc(0) },
  many: { encoding: 'gzip, gzip, gzip, gzip, gzip, gzip', body: () => Buffer.from('x') },
  large: { encoding: 'gzip', body: () => zlib.gzipSync(noise(400_000)) },
  bomb: { encoding: 'gzip', body: () => zlib.gzipSync(Buffer.alloc(10_000_000)) },
};

const noises = new Map<number, Buffer>();

/** Bytes that no coding makes smaller. */
function noise(length: number): Buffer {
  const known = noises.get(length);
  if (known !== undefined) return Buffer.from(known);
  let state = 1;
  const made = Buffer.alloc(length);
  for (let at = 0; at < length; at++) made[at] = (state = (state * 48_271) % 2_147_483_647) & 0xff;
  noises.set(length, made);
  return Buffer.from(made);
}

function spoil(bytes: Buffer): Buffer {
  bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 400);
  return bytes;
}

const RAW: Record<string, string> = {
  '/999': 'HTTP/1.1 999 Request denied\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno',
  '/600': 'HTTP/1.1 600 \r\nconnection: close\r\ncontent-length: 0\r\n\r\n',
  '/latin1':
    'HTTP/1.1 200 Grüße\r\nconnection: close\r\nx-name: caf\xe9\r\nx-utf8: caf\xc3\xa9\r\ncontent-length: 0\r\n\r\n',
  '/space':
    'HTTP/1.1 200 OK\r\nconnection: close\r\nX-Pad:   a b\r\nx-empty:\r\nX-Dup: 1\r\nx-dup: 2\r\nx-DUP: \r\ncontent-length: 0\r\n\r\n',
  '/info':
    'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok',
  '/half': 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 100\r\n\r\nonly this',
  '/garbage': 'HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
  '/nonsense': 'SMTP ready\r\n\r\n',
  '/until-close': 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall of it',
  '/utf8-location':
    'HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: /echo/caf\xc3\xa9\r\ncontent-length: 0\r\n\r\n',
};

export async function startServers(): Promise<Servers> {
  const seen: object[] = [];
  const written = { bytes: 0, closed: false };
  const answer = (name: string) => (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://any');
    const [, first = '', second = ''] = url.pathname.split('/');
    const chunks: Buffer[] = [];
    request.on('error', () => {});
    const respond = (): void => {
      const raw = request.rawHeaders;
      const headers = raw
        .flatMap((each, at) => (at % 2 === 0 ? [`${each.toLowerCase()}: ${raw[at + 1]}`] : []))
        .toSorted();
      const sight = {
        name,
        method: request.method,
        url: request.url,
        headers,
        body: Buffer.concat(chunks).toString('latin1'),
      };
      seen.push(sight);
      route(first, second, url, sight, request, response, written);
    };
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', respond);
  };
  const here = createServer(answer('here'));
  const there = createServer(answer('there'));
  const raw = createSocketServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (data) => {
      const path = data.toString('latin1').split(' ')[1] ?? '';
      if (path !== '/close') socket.write(RAW[path] ?? 'HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n', 'latin1');
      setTimeout(() => socket.end(), 20);
    });
  });
  const nobody = createServer();
  const ports: number[] = [];
  for (const server of [here, there, raw, nobody] as Server[]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ports.push((server.address() as AddressInfo).port);
  }
  await new Promise((resolve) => nobody.close(resolve));
  return {
    here: `http://127.0.0.1:${ports[0]}`,
    there: `http://127.0.0.1:${ports[1]}`,
    raw: `http://127.0.0.1:${ports[2]}`,
    nobody: `http://127.0.0.1:${ports[3]}`,
    written,
    takeSeen: () => seen.splice(0),
    async close() {
      for (const server of [here, there]) server.closeAllConnections();
      await Promise.all([here, there, raw].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

function route(
  first: string,
  second: string,
  url: URL,
  sight: object,
  request: IncomingMessage,
  response: ServerResponse,
  written: { bytes: number; closed: boolean },
): void {
  const { searchParams } = url;
  switch (first) {
    case 'redirect': {
      const left = Number(searchParams.get('left') ?? 0);
      const to = left > 0 ? `/redirect/${second}?left=${left - 1}` : searchParams.get('to');
      response.writeHead(Number(second) || 404, to === null ? {} : { location: to });
      response.end('moved');
      return;
    }
    case 'status':
      response.writeHead(Number(second), {
        'content-encoding': searchParams.get('encoding') ?? 'identity',
        etag: '"1"',
      });
      response.end(['204', '205', '304'].includes(second) || request.method === 'HEAD' ? undefined : 'body');
      return;
    case 'encoded': {
      const { encoding, body } = ENCODED[second]!;
      response.writeHead(200, { 'content-encoding': encoding, 'content-type': 'text/plain; charset=utf-8' });
      response.end(body());
      return;
    }
    case 'cookies':
      response.setHeader('set-cookie', ['a=1; Path=/', 'b=2, 3', 'c=4']);
      response.setHeader('x-many', ['1', '2']);
      response.end('ok');
      return;
    case 'typed':
      response.setHeader('content-type', searchParams.get('type') ?? '');
      response.end(searchParams.get('body') ?? '');
      return;
    case 'slow':
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.write('first');
      setTimeout(() => response.end('second'), Number(second));
      break;
    case 'never':
      break;
    case 'large':
      response.end(noise(Number(second)));
      return;
    case 'endless': {
      written.bytes = 0;
      written.closed = false;
      response.on('close', () => (written.closed = true));
      const chunk = Buffer.alloc(16_384, 'x');
      const more = (): void => {
        while (!response.destroyed) {
          written.bytes += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', more);
        }
      };
      more();
      return;
    }
    default:
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(sight));
  }
}
