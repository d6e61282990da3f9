import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { createRequire } from 'node:module';
import type * as undiciTypes from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { context, createMesh, isMeshError, type Mesh, meshErrorOf } from '../../src/index.ts';
import { always, Faultd } from '../kit/faultd.ts';

const require = createRequire(import.meta.url);
type Undici = typeof undiciTypes;

let server: Faultd;
let mesh: Mesh;

beforeEach(async () => {
  server = await Faultd.start(
    always((peer, { method, path, headers, body }) => {
      peer.respond(200, JSON.stringify({ method, path, host: headers['host']?.[0], body }), { 'x-server': 'yes' });
    }),
  );
  mesh = createMesh({ services: { orders: `static://${server.address}` } });
});

afterEach(async () => {
  await mesh.close();
  await server.close();
});

const seen = (text: string): unknown => JSON.parse(text);

describe('every door leads to the service that the host names', () => {
  it('mesh.fetch', async () => {
    const response = await mesh.fetch('http://orders/v1/items?page=2');
    expect(await response.json()).toMatchObject({ method: 'GET', path: '/v1/items?page=2', host: 'orders' });
  });

  it('mesh.request with a body', async () => {
    const { statusCode, headers, body } = await mesh.request({
      origin: 'http://orders',
      path: '/',
      method: 'POST',
      body: 'hello',
    });
    expect(statusCode).toBe(200);
    expect(headers['x-server']).toBe('yes');
    expect(seen(await body.text())).toMatchObject({ method: 'POST', body: 'hello' });
  });

  it('mesh.stream', async () => {
    const sink = new PassThrough();
    await mesh.stream({ origin: 'http://orders', path: '/s', method: 'GET' }, () => sink);
    expect(seen(String(sink.read()))).toMatchObject({ path: '/s' });
  });

  it('mesh.pipeline', async () => {
    const pipeline = mesh.pipeline({ origin: 'http://orders', path: '/p', method: 'PUT' }, ({ body }) => body);
    pipeline.end('piped');
    const chunks: Buffer[] = [];
    for await (const chunk of pipeline) chunks.push(chunk as Buffer);
    expect(seen(Buffer.concat(chunks).toString())).toMatchObject({ method: 'PUT', body: 'piped' });
  });

  it('a name in capitals is the same name', async () => {
    expect(await (await mesh.fetch('http://ORDERS/')).json()).toMatchObject({ host: 'orders' });
  });

  it.each(['undici-6', 'undici-7', 'undici'])("mesh.dispatcher under %s's fetch and request", async (name) => {
    const undici = require(name) as Undici;
    const dispatcher = mesh.dispatcher as unknown as undiciTypes.Dispatcher;
    const response = await undici.fetch('http://orders/f', { dispatcher, method: 'POST', body: 'x' });
    expect(await response.json()).toMatchObject({ method: 'POST', path: '/f', body: 'x' });
    const { body } = await undici.request('http://orders/r', { dispatcher });
    expect(seen(await body.text())).toMatchObject({ path: '/r' });
  });

  it("mesh.dispatcher under Node's own fetch", async () => {
    const init = { dispatcher: mesh.dispatcher, method: 'POST', body: 'x', headers: { 'content-length': '1' } };
    expect(await (await fetch('http://orders/b', init)).json()).toMatchObject({ body: 'x' });
  });

  it('a composed mesh, which is a Proxy, serves and closes like the mesh itself', async () => {
    const composed = mesh.compose(
      (dispatch) => (options, handler) => dispatch({ ...options, path: '/composed' }, handler),
    );
    const { body } = await composed.request({ origin: 'http://orders', path: '/', method: 'GET' });
    expect(seen(await body.text())).toMatchObject({ path: '/composed' });
    await composed.close();
    await expect(mesh.fetch('http://orders/')).rejects.toSatisfy((error) => isMeshError(error, 'INMESH_CLOSED'));
  });
});

describe('install', () => {
  it('lets the whole process through the mesh, leaves other hosts alone, and can be undone', async () => {
    const elsewhere = await Faultd.start(always((peer) => void peer.respond(200, 'elsewhere')));
    const restore = mesh.install();
    try {
      expect(await (await fetch('http://orders/global')).json()).toMatchObject({ path: '/global' });
      for (const name of ['undici-7', 'undici']) {
        const undici = require(name) as Undici;
        const { body } = await undici.request('http://orders/npm');
        expect(seen(await body.text())).toMatchObject({ path: '/npm' });
      }
      expect(await (await fetch(`http://${elsewhere.address}/`)).text()).toBe('elsewhere');
    } finally {
      restore();
      restore();
    }
    await expect(fetch('http://orders/')).rejects.toSatisfy((error) => !isMeshError(error));
    await elsewhere.close();
  });

  it('takes new options while it is installed, and other hosts still find their way out', async () => {
    const elsewhere = await Faultd.start(always((peer) => void peer.respond(200, 'elsewhere')));
    const lenient = createMesh({ services: {}, unknownService: 'passthrough' });
    const restore = lenient.install();
    await lenient.update({ services: { orders: `static://${server.address}` }, unknownService: 'passthrough' });
    expect(await (await fetch(`http://${elsewhere.address}/`)).text()).toBe('elsewhere');
    expect(await (await lenient.fetch(`http://${elsewhere.address}/`)).text()).toBe('elsewhere');
    restore();
    await lenient.close();
    await elsewhere.close();
  });

  it('with unknownService reject, refuses hosts that are no service', async () => {
    const strict = createMesh({ services: { orders: `static://${server.address}` }, unknownService: 'reject' });
    const restore = strict.install();
    try {
      await expect(fetch(`http://${server.address}/`)).rejects.toSatisfy((error) =>
        isMeshError(error, 'INMESH_UNKNOWN_SERVICE'),
      );
    } finally {
      restore[Symbol.dispose]();
      await strict.close();
    }
  });
});

describe('a host that is no service', () => {
  it('is refused with its name and the names that there are', async () => {
    const error = meshErrorOf(await mesh.fetch('http://oders/').catch((reason: unknown) => reason));
    expect(error?.code).toBe('INMESH_UNKNOWN_SERVICE');
    expect(error?.message).toContain('"oders"');
    expect(error?.message).toContain('orders');
  });

  it('passes through where the options say so', async () => {
    const lenient = createMesh({ services: {}, unknownService: 'passthrough' });
    expect(await (await lenient.fetch(`http://${server.address}/through`)).json()).toMatchObject({ path: '/through' });
    await lenient.close();
  });

  it('is never looked up: not even names of objects are services', async () => {
    for (const name of ['constructor', '__proto__', 'tostring', 'localhost']) {
      await expect(mesh.fetch(`http://${name}/`)).rejects.toSatisfy((error) =>
        isMeshError(error, 'INMESH_UNKNOWN_SERVICE'),
      );
    }
  });
});

it('an origin that is a URL may be changed and used again', async () => {
  const origin = new URL('http://nobody');
  const request = (): Promise<unknown> => mesh.request({ origin, path: '/', method: 'GET' });
  await expect(request()).rejects.toMatchObject({ code: 'INMESH_UNKNOWN_SERVICE' });
  origin.hostname = 'orders';
  await expect(request()).resolves.toMatchObject({ statusCode: 200 });
});

it('what the caller’s own handler throws is what the caller is told, and no fault of the endpoint', async () => {
  const thrown = new Error('a bug of the caller');
  const told = await new Promise<unknown>((resolve) => {
    mesh.dispatch(
      { origin: 'http://orders', path: '/', method: 'GET' },
      {
        onRequestStart: () => {},
        onResponseStart: () => {},
        onResponseData: () => {
          throw thrown;
        },
        onResponseEnd: () => resolve('the end'),
        onResponseError: (_, error) => resolve(error),
      },
    );
  });
  expect(told).toBe(thrown);
  expect(mesh.service('orders').endpoints()[0]).toMatchObject({ inFlight: 0, successRate: 1 });
});

it('an https URL is refused where the service speaks plain text', async () => {
  const error = meshErrorOf(await mesh.fetch('https://orders/').catch((reason: unknown) => reason));
  expect(error?.code).toBe('INMESH_CONFIG');
  expect(error?.message).toContain("protocol: 'https'");
  expect(server.connections).toBe(0);
});

it.each([
  ['a value', { headers: { a: 'b\r\nx-evil: c' } }],
  ['a name', { headers: { 'a\r\nb': 'c' } }],
  ['a host', { headers: { host: 'orders\r\nx-evil: c' } }],
  ['a list', { headers: ['a', 'b\r\nx-evil: c'] }],
  ['the path', { path: '/a\r\nx-evil: c' }],
  ['the method', { method: 'GET\r\nx-evil: c' as 'GET' }],
])('a line break in %s of a request is refused by name, blames nobody, and reaches no wire', async (_where, bad) => {
  const answer = mesh.request({ origin: 'http://orders', path: '/', method: 'GET', ...bad });
  const error = meshErrorOf(await answer.catch((reason: unknown) => reason));
  expect(error).toMatchObject({ code: 'INMESH_REQUEST_INVALID', sent: false });
  expect(error?.message).toMatch(/^The request to orders can't be sent as it is: invalid/);
  expect(mesh.service('orders').endpoints()[0]).toMatchObject({ state: 'healthy', successRate: 1, inFlight: 0 });
  expect(server.requests).toBe(0);
});

it('an aborted request rejects with the reason of its signal, whatever it waits for', async () => {
  const hanging = await Faultd.start(() => {});
  const slow = createMesh({ services: { slow: `static://${hanging.address}` } });
  const controller = new AbortController();
  const reason = new Error('enough');
  const pending = slow.request({ origin: 'http://slow', path: '/', method: 'GET', signal: controller.signal });
  controller.abort(reason);
  await expect(pending).rejects.toBe(reason);
  expect(slow.service('slow').endpoints()[0]?.inFlight ?? 0).toBe(0);
  await slow.close();
  await hanging.close();
});

it('passes server-sent events on as they come, past the deadline of the service', async () => {
  const events = await Faultd.start(
    always(async (peer) => {
      peer.write(
        'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n7\r\ndata: 1\r\n',
      );
      await new Promise((resolve) => setTimeout(resolve, 150));
      peer.write('7\r\ndata: 2\r\n0\r\n\r\n');
    }),
  );
  const live = createMesh({
    services: {
      events: { target: `static://${events.address}`, deadline: 100, attemptTimeout: 80, connectTimeout: 50 },
    },
  });
  const response = await live.fetch('http://events/');
  expect(live.service('events').endpoints()[0]?.inFlight).toBe(1);
  expect(await response.text()).toBe('data: 1data: 2');
  expect(live.service('events').endpoints()[0]?.inFlight).toBe(0);
  await live.close();
  await events.close();
});

it('ends a stream of events with the deadline of its caller, which is not the service’s', async () => {
  const events = await Faultd.start(
    always(
      (peer) =>
        void peer.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'),
    ),
  );
  const live = createMesh({ services: { events: `static://${events.address}` } });
  const read = context.run({ deadline: 80 }, async () => (await live.fetch('http://events/')).text());
  await expect(read).rejects.toSatisfy((error) => isMeshError(error, 'INMESH_DEADLINE_EXCEEDED'));
  await live.close();
  await events.close();
});

it('passes an upgrade through; it is in flight until its socket closes', async () => {
  const echo = await Faultd.start(async (peer) => {
    await peer.request();
    peer.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
    peer.socket.pipe(peer.socket);
  });
  const live = createMesh({ services: { echo: `static://${echo.address}` } });
  const { socket } = await live.upgrade({ origin: 'http://echo', path: '/', protocol: 'echo' } as Parameters<
    Mesh['upgrade']
  >[0]);
  expect(live.service('echo').endpoints()[0]?.inFlight).toBe(1);
  socket.write('hello');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toBe('hello');
  socket.destroy();
  await once(socket, 'close');
  expect(live.service('echo').endpoints()[0]?.inFlight).toBe(0);
  await live.close();
  await echo.close();
});
