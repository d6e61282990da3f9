import fc from 'fast-check';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type Dispatcher, FormData, Pool } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { createEnv } from '../../src/core/env.ts';
import { MeshError, meshErrorOf } from '../../src/core/errors.ts';
import { silentLogger } from '../../src/core/log.ts';
import type { Exchange } from '../../src/model/exchange.ts';
import { outcomeOfError } from '../../src/model/outcome.ts';
import type { Service } from '../../src/model/service.ts';
import { RetryBudget } from '../../src/resilience/budget/index.ts';
import { ReplayableBody, retryLayer } from '../../src/resilience/retry/index.ts';
import { fakeCall, FakeExchange } from '../kit/fakes.ts';

type Body = NonNullable<Dispatcher.DispatchOptions['body']>;

async function* chunks(...parts: string[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield Buffer.from(part);
}

async function read(body: AsyncIterable<unknown>, count = Infinity): Promise<string> {
  let text = '';
  for await (const chunk of body) {
    text += String(chunk);
    if (--count <= 0) break;
  }
  return text;
}

/** Lets the events of a destroyed stream be emitted. */
function emitted(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('ReplayableBody', () => {
  it('reads the same again from the start, wherever the reading before it ended', async () => {
    const body = new ReplayableBody(chunks('a', 'b', 'c'), 100);
    expect(await read(body.open(), 2)).toBe('ab');
    expect(await read(body.open(), 1)).toBe('a');
    expect(await read(body.open())).toBe('abc');
    expect(await read(body.open())).toBe('abc');
    expect(body.replayable).toBe(true);
  });

  it('reads nothing ahead of who reads it', async () => {
    let pulled = 0;
    async function* source(): AsyncGenerator<string> {
      for (;;) yield String(pulled++);
    }
    const body = new ReplayableBody(source(), 100);
    const reading = body.open()[Symbol.asyncIterator]();
    expect(pulled).toBe(0);
    await reading.next();
    await reading.next();
    expect(pulled).toBe(2);
  });

  it('is replayable up to its limit and not a byte beyond, but still read to its end', async () => {
    const exactly = new ReplayableBody(chunks('ab', 'cd'), 4);
    expect(await read(exactly.open())).toBe('abcd');
    expect(exactly.replayable).toBe(true);
    const beyond = new ReplayableBody(chunks('ab', 'cd', 'é', 'fg'), 5);
    expect(await read(beyond.open())).toBe('abcdéfg');
    expect(beyond.replayable).toBe(false);
  });

  it('keeps for the next reading what the abandoned one was waiting for', async () => {
    const source = new PassThrough();
    const body = new ReplayableBody(source, 100);
    const abandoned = body.open()[Symbol.asyncIterator]();
    source.write('a');
    await abandoned.next();
    const waiting = abandoned.next();
    const next = read(body.open());
    source.end('b');
    await expect(waiting).rejects.toThrow('later attempt');
    expect(await next).toBe('ab');
  });

  it('tells every reading of an error at its source, and is not replayable then', async () => {
    async function* source(): AsyncGenerator<string> {
      yield 'a';
      throw new Error('disk gone');
    }
    const body = new ReplayableBody(source(), 100);
    await expect(read(body.open())).rejects.toThrow('disk gone');
    await expect(read(body.open())).rejects.toThrow('disk gone');
    expect(body.replayable).toBe(false);
  });

  it('survives a stream that fails while nobody reads', async () => {
    const source = new PassThrough();
    const body = new ReplayableBody(source, 100);
    source.destroy(new Error('client gone'));
    await emitted();
    await expect(read(body.open())).rejects.toThrow('client gone');
  });

  it('reads generators, strings among the chunks included', async () => {
    const source = function* (): Generator<string> {
      yield 'a';
      yield 'b';
    };
    const body = new ReplayableBody(source(), 100);
    expect(await read(body.open())).toBe('ab');
    expect(await read(body.open())).toBe('ab');
  });

  it('lets its source go when it is closed early, and leaves it alone when it was read to its end', async () => {
    const stream = new PassThrough();
    new ReplayableBody(stream, 100).close();
    expect(stream.destroyed).toBe(true);

    let returned = false;
    async function* source(): AsyncGenerator<string> {
      try {
        yield 'a';
        yield 'b';
      } finally {
        returned = true;
      }
    }
    const body = new ReplayableBody(source(), 100);
    await read(body.open(), 1);
    expect(returned).toBe(false);
    body.close();
    await Promise.resolve();
    expect(returned).toBe(true);
  });

  it('gives the last reading the whole source, whatever was read and abandoned before, as long as it is replayable', async () => {
    const parts = fc.array(fc.string({ minLength: 1, maxLength: 5 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        parts,
        fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 4 }),
        fc.nat(40),
        async (given, reads, limit) => {
          const body = new ReplayableBody(chunks(...given), limit);
          for (const count of reads) {
            if (body.replayable) await read(body.open(), count);
          }
          const text = given.join('');
          const { replayable } = body;
          expect(replayable ? await read(body.open()) : text).toBe(text);
          expect(replayable || Buffer.byteLength(text) > limit).toBe(true);
        },
      ),
    );
  });
});

/** A retry layer on the process's own clock over `service`. */
function retrying(service: Service, replayLimit = 65_536): Service {
  const env = createEnv({ log: silentLogger });
  const budget = new RetryBudget({ ratio: 0.2, floorPerSecond: 1, window: 10_000 }, env.clock);
  return retryLayer({ max: 2, backoff: { base: 1, cap: 1 }, replayLimit, budget, env })(service);
}

describe('bodies in the retry layer', () => {
  const reset = (sent = true): MeshError => new MeshError('INMESH_RESET', 'reset', { sent });
  const put = (body: unknown) =>
    fakeCall({ request: { origin: 'http://orders', path: '/', method: 'PUT', body: body as Body } });

  /** Reads `count` chunks of each attempt's body, then fails it, but the third. */
  function reading(count: number, seen: string[]): Service {
    return async ({ request }) => {
      const last = seen.length === 2;
      seen.push(await read(request.body as Readable, last ? Infinity : count));
      if (!last) throw reset();
      return new FakeExchange(200);
    };
  }

  it('sends a stream again that was sent in part', async () => {
    const seen: string[] = [];
    await retrying(reading(2, seen))(put(Readable.from([Buffer.from('a'), Buffer.from('b'), Buffer.from('c')])));
    expect(seen).toEqual(['ab', 'ab', 'abc']);
  });

  it('does not retry a stream of which more than the limit was sent, and lets it go', async () => {
    const seen: string[] = [];
    const stream = Readable.from([Buffer.from('aaa'), Buffer.from('bbb'), Buffer.from('ccc')]);
    await expect(retrying(reading(2, seen), 5)(put(stream))).rejects.toMatchObject({
      code: 'INMESH_RESET',
      attempts: 1,
    });
    expect(seen).toHaveLength(1);
    expect(stream.destroyed).toBe(true);
  });

  const post = (body: Body) => fakeCall({ request: { origin: 'http://orders', path: '/', method: 'POST', body } });

  it('retries a stream that was not touched, of POST too', async () => {
    let received = '';
    let attempts = 0;
    const service: Service = async ({ request }) => {
      if (++attempts === 1) throw reset(false);
      received = await read(request.body as Readable);
      return new FakeExchange(200);
    };
    await retrying(service, 1)(post(Readable.from([Buffer.from('abc'), Buffer.from('def')])));
    expect(received).toBe('abcdef');
  });

  it('retries a POST stream that was touched, if the endpoint is known not to have seen it', async () => {
    const seen: string[] = [];
    const refused: Service = async ({ request }) => {
      seen.push(await read(request.body as Readable, seen.length === 0 ? 2 : Infinity));
      if (seen.length === 1) throw reset(false);
      return new FakeExchange(200);
    };
    const stream = (): Readable => Readable.from([Buffer.from('a'), Buffer.from('b'), Buffer.from('c')]);
    await retrying(refused, 2)(post(stream()));
    expect(seen).toEqual(['ab', 'abc']);
    seen.length = 0;
    await expect(retrying(refused, 1)(post(stream()))).rejects.toThrow('reset');
    expect(seen).toEqual(['ab']);
  });

  it('survives a POST stream that fails during the back-off', async () => {
    const stream = new PassThrough();
    let attempts = 0;
    const service: Service = async ({ request }) => {
      if (++attempts === 1) {
        stream.destroy(new Error('client gone'));
        throw reset(false);
      }
      await read(request.body as Readable);
      return new FakeExchange(200);
    };
    await expect(retrying(service)(post(stream))).rejects.toThrow('client gone');
    await emitted();
    expect(attempts).toBe(2);
  });

  it('does not retry when it was the source that failed', async () => {
    let attempts = 0;
    async function* source(): AsyncGenerator<string> {
      yield 'a';
      throw new Error('disk gone');
    }
    const service: Service = async ({ request }) => {
      attempts++;
      await read(request.body as Readable).catch(() => {});
      throw reset();
    };
    await expect(retrying(service)(put(source()))).rejects.toThrow('reset');
    expect(attempts).toBe(1);
  });

  it.each([
    null,
    undefined,
    'text',
    Buffer.from('x'),
    new Uint8Array(2),
    new ArrayBuffer(2),
    new FormData(),
    new Blob(['x']),
  ])('passes on as it is what can be sent again as it is: %o', async (given) => {
    const bodies: unknown[] = [];
    const service: Service = ({ request }) => {
      bodies.push(request.body);
      return Promise.resolve(new FakeExchange(bodies.length < 2 ? 503 : 200));
    };
    await retrying(service)(put(given));
    expect(bodies).toEqual([given, given]);
    expect(bodies[0]).toBe(given);
  });

  it('does not send an old-style stream twice, of which nothing could be kept', async () => {
    let attempts = 0;
    const service: Service = () => {
      attempts++;
      return Promise.reject(reset());
    };
    await expect(retrying(service)(put({ pipe: () => {}, on: () => {} }))).rejects.toThrow('reset');
    expect(attempts).toBe(1);
  });

  it('lets the source go when the response has ended before the request', async () => {
    const stream = new PassThrough();
    const exchange = await retrying(() => Promise.resolve(new FakeExchange(413)))(put(stream));
    expect(stream.destroyed).toBe(false);
    (exchange as FakeExchange).end();
    expect(stream.destroyed).toBe(true);
  });
});

describe('bodies on the wire', () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  /** A retrying service over a real pool, and a real server that answers with `respond`. */
  async function wire(
    respond: (request: IncomingMessage, response: ServerResponse, number: number) => void,
  ): Promise<Service> {
    let number = 0;
    const server: Server = createServer((request, response) => respond(request, response, number++)).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    const pool = new Pool(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    closing.push(
      () => pool.destroy(),
      () => new Promise((resolve) => server.close(resolve)),
    );
    return retrying(({ request }) => head(pool, request));
  }

  function head(pool: Pool, request: Dispatcher.DispatchOptions): Promise<Exchange> {
    return new Promise((resolve, reject) => {
      let sent = false;
      pool.dispatch(request, {
        onRequestStart: () => void (sent = true),
        onResponseStart: (_, status) => resolve(new FakeExchange(status)),
        onResponseData: () => {},
        onResponseEnd: () => {},
        onResponseError: (_, cause) =>
          reject(meshErrorOf(cause) ?? new MeshError('INMESH_RESET', cause.message, { cause, sent })),
      });
    });
  }

  async function* upload(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 20; i++) {
      yield Buffer.alloc(1_000, 97 + i);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  const call = (method: 'PUT' | 'POST', body: unknown) =>
    fakeCall({ request: { path: '/', method, body: body as Body } });

  it('arrive whole although the connection broke in the middle of the first attempt', async () => {
    const whole = await buffer(upload());
    let received: Buffer | undefined;
    const service = await wire((request, response, number) => {
      if (number === 0) request.once('data', () => request.destroy());
      else
        void buffer(request).then((body) => {
          received = body;
          response.end('ok');
        });
    });
    for (const body of [upload(), Readable.from(upload())]) {
      const exchange = await service(call('PUT', body));
      expect(exchange.statusCode).toBe(200);
      expect(received!.equals(whole)).toBe(true);
    }
  });

  it('arrive whole after a 503 that came before they had been sent', async () => {
    const whole = await buffer(upload());
    let received: Buffer | undefined;
    const service = await wire((request, response, number) => {
      if (number === 0) response.writeHead(503, { connection: 'close' }).end();
      else
        void buffer(request).then((body) => {
          received = body;
          response.end('ok');
        });
    });
    const exchange = await service(call('PUT', upload()));
    expect(exchange.statusCode).toBe(200);
    expect(received!.equals(whole)).toBe(true);
  });

  it('that fail at their source are their caller’s fault, and no endpoint’s', async () => {
    const service = await wire((request) => void request.resume());
    async function* source(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(1_000);
      throw new Error('client gone');
    }
    for (const method of ['PUT', 'POST'] as const) {
      const error: unknown = await service(call(method, source())).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'INMESH_REQUEST_INVALID', attempts: 1, cause: { message: 'client gone' } });
      expect(outcomeOfError(error, 1).kind).toBe('ignored');
    }
  });

  it('of POST are sent once, whatever becomes of them', async () => {
    let requests = 0;
    const service = await wire((request) => {
      requests++;
      request.once('data', () => request.destroy());
    });
    await expect(service(call('POST', upload()))).rejects.toMatchObject({ code: 'INMESH_RESET' });
    expect(requests).toBe(1);
  });
});
