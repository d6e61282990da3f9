import { PassThrough } from 'node:stream';
import type { Dispatcher } from 'undici';
import { beforeEach, describe, expect, it } from 'vitest';
import { createEnv, type Env } from '../../src/core/env.ts';
import { MeshError, meshErrorOf } from '../../src/core/errors.ts';
import { silentLogger } from '../../src/core/log.ts';
import type { Call } from '../../src/model/call.ts';
import { Endpoint } from '../../src/model/endpoint.ts';
import type { Exchange } from '../../src/model/exchange.ts';
import { type Outcome, outcomeOfError } from '../../src/model/outcome.ts';
import { CallSignal } from '../../src/model/signal.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { Attempt } from '../../src/transport/attempt.ts';
import type { Lane } from '../../src/transport/lanes.ts';
import { fakeCall } from '../kit/fakes.ts';

/** undici as an attempt sees it: what it was asked to do, in order, and the means to let anything come over the wire. */
class Wire implements Dispatcher.DispatchController {
  readonly clock = new ManualClock();
  readonly env: Env = createEnv({ clock: this.clock, log: silentLogger });
  readonly done: string[] = [];
  readonly signal = new CallSignal();
  dispatched = 0;
  paused = false;
  aborted = false;
  reason: Error | null = null;
  rawHeaders: Buffer[] = [];
  rawTrailers: Buffer[] = [];
  handler!: Attempt;

  pause(): void {
    this.paused = true;
    this.done.push('pause');
  }

  resume(): void {
    this.paused = false;
    this.done.push('resume');
  }

  abort(): void {
    this.done.push('abort');
  }

  /** Whether an attempt has its connection to itself, as over HTTP/1.1. */
  alone = true;

  send(given: Partial<Call> = {}): Attempt {
    const dispatch = (_request: unknown, handler: Attempt): boolean => {
      this.dispatched++;
      this.handler = handler;
      if (this.alone) handler.lane = { leave: () => {} } as unknown as Lane;
      return true;
    };
    const pool = { dispatch } as unknown as Dispatcher;
    const call = fakeCall({ signal: this.signal, ...given });
    return new Attempt(call, new Endpoint({ address: '10.0.0.1:80' }), pool, this.env);
  }

  start(): void {
    this.handler.onRequestStart(this);
  }

  head(status = 200, headers: Record<string, string> = {}): void {
    this.handler.onResponseStarted();
    this.handler.onResponseStart(this, status, headers, 'X');
  }

  data(...chunks: (string | number)[]): void {
    for (const chunk of chunks)
      this.handler.onResponseData(this, typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.alloc(chunk, 'x'));
  }

  end(trailers = {}): void {
    this.handler.onResponseEnd(this, trailers);
  }

  fail(code: string, details: object = {}): void {
    this.handler.onResponseError(this, Object.assign(new Error(code), { code, ...details }));
  }
}

/** A caller's handler: what it was told, in order. */
class Sink implements Dispatcher.DispatchHandler {
  readonly told: string[] = [];
  error: Error | undefined;
  trailers: unknown;
  controller!: Dispatcher.DispatchController;
  onData: () => void = () => {};

  onRequestStart(): void {}

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    this.controller = controller;
    this.told.push(String(status));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.told.push(chunk.length > 10 ? String(chunk.length) : chunk.toString());
    this.onData();
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: unknown): void {
    this.trailers = trailers;
    this.told.push('end');
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.error = error;
    this.told.push('error');
  }

  onRequestUpgrade(): void {
    this.told.push('upgrade');
  }
}

const failure = async (attempt: Attempt): Promise<MeshError | undefined> =>
  meshErrorOf(await attempt.head.then(String, (error: unknown) => error));

let wire: Wire;
let sink: Sink;

beforeEach(() => {
  wire = new Wire();
  sink = new Sink();
});

/** An attempt whose head is there. */
const answered = async (status = 200, headers: Record<string, string> = {}): Promise<Exchange> => {
  const attempt = wire.send();
  wire.start();
  wire.head(status, headers);
  return attempt.head;
};

describe('what comes before it is accepted', () => {
  it('is kept, and handed over in order, with the end that came meanwhile', async () => {
    const exchange = await answered();
    wire.data('a', 'b');
    wire.end({ 'grpc-status': '0' });
    exchange.accept(sink);
    expect(sink.told).toEqual(['200', 'a', 'b', 'end']);
    expect(sink.trailers).toEqual({ 'grpc-status': '0' });
    expect(wire.done).toEqual([]);
  });

  it('is followed by what comes later', async () => {
    const exchange = await answered();
    wire.data('a');
    exchange.accept(sink);
    wire.data('b');
    wire.end();
    expect(sink.told).toEqual(['200', 'a', 'b', 'end']);
  });

  it('pauses the connection past 64 KB, until it is accepted', async () => {
    const exchange = await answered();
    wire.data(65_536);
    expect(wire.done).toEqual([]);
    wire.data('a');
    expect(wire.done).toEqual(['pause']);
    exchange.accept(sink);
    expect(sink.told).toEqual(['200', '65536', 'a']);
    expect(wire.done).toEqual(['pause', 'resume']);
  });

  it('is dropped for the error of a body that broke off meanwhile', async () => {
    const exchange = await answered();
    wire.data('a');
    wire.fail('ECONNRESET');
    exchange.accept(sink);
    expect(sink.told).toEqual(['200', 'error']);
    expect(sink.error).toMatchObject({ code: 'INMESH_RESET', sent: true });
  });
});

describe('a sink that pauses', () => {
  it('gets what was kept piece by piece, as it resumes', async () => {
    const exchange = await answered();
    wire.data('a', 'b', 'c');
    sink.onData = () => sink.controller.pause();
    exchange.accept(sink);
    expect(sink.told).toEqual(['200', 'a']);
    sink.controller.resume();
    expect(sink.told).toEqual(['200', 'a', 'b']);
    wire.data('d');
    sink.onData = () => {};
    sink.controller.resume();
    expect(sink.told).toEqual(['200', 'a', 'b', 'c', 'd']);
    expect(wire.paused).toBe(false);
  });

  it('and resumes at once, within, gets everything once', async () => {
    const exchange = await answered();
    wire.data('a', 'b');
    sink.onData = () => {
      sink.controller.pause();
      sink.controller.resume();
    };
    exchange.accept(sink);
    wire.data('c');
    wire.end();
    expect(sink.told).toEqual(['200', 'a', 'b', 'c', 'end']);
  });

  it('hears of the end only when all before it has been handed over, and leaves alone the connection, by then another’s', async () => {
    const exchange = await answered();
    wire.data('a', 'b');
    wire.end();
    sink.onData = () => sink.controller.pause();
    exchange.accept(sink);
    expect(sink.told).toEqual(['200', 'a']);
    sink.controller.resume();
    sink.controller.resume();
    expect(sink.told).toEqual(['200', 'a', 'b', 'end']);
    expect(wire.done).toEqual([]);
  });

  it('hears of an error at once', async () => {
    const exchange = await answered();
    wire.data('a', 'b');
    sink.onData = () => sink.controller.pause();
    exchange.accept(sink);
    wire.fail('ECONNRESET');
    expect(sink.told).toEqual(['200', 'a', 'error']);
  });
});

describe('a discarded exchange', () => {
  it.each([['0'], ['100'], ['65536']])(
    'with a body of %s bytes is read to its end: the connection stays',
    async (length) => {
      const outcomes: Outcome[] = [];
      const exchange = await answered(503, { 'content-length': length });
      exchange.onEnd((outcome) => outcomes.push(outcome));
      exchange[Symbol.dispose]();
      wire.data(Number(length));
      wire.end();
      expect(wire.done).not.toContain('abort');
      expect(outcomes).toMatchObject([{ kind: 'failure', status: 503 }]);
      expect(wire.env.timers.size).toBe(0);
    },
  );

  it.each([[{ 'content-length': '65537' }], [{}]])(
    'with a longer body, or one of unknown length, is cut: %o',
    async (headers) => {
      const outcomes: Outcome[] = [];
      const exchange = await answered(200, headers);
      exchange.onEnd((outcome) => outcomes.push(outcome));
      exchange[Symbol.dispose]();
      expect(wire.done).toEqual(['abort']);
      wire.fail('UND_ERR_ABORTED');
      expect(outcomes).toMatchObject([{ kind: 'success', status: 200 }]);
    },
  );

  it('that announces little and sends much is cut', async () => {
    const exchange = await answered(200, { 'content-length': '10' });
    exchange[Symbol.dispose]();
    wire.data(65_537);
    expect(wire.done).toContain('abort');
  });

  it('cannot be accepted, nor an accepted one discarded', async () => {
    const discarded = await answered();
    discarded[Symbol.dispose]();
    expect(() => discarded.accept(sink)).toThrow('once');
    wire = new Wire();
    const accepted = await answered();
    accepted.accept(sink);
    accepted[Symbol.dispose]();
    expect(wire.done).toEqual([]);
    wire.data('a');
    expect(sink.told).toEqual(['200', 'a']);
  });
});

describe('an abort', () => {
  const reason = new Error('given up');

  it('before it is sent never reaches undici', async () => {
    wire.signal.abort(reason);
    const attempt = wire.send();
    await expect(attempt.head).rejects.toBe(reason);
    expect(wire.dispatched).toBe(0);
  });

  it('while it waits for a connection settles at once, and drops the request without harm to the connection', async () => {
    const attempt = wire.send();
    wire.signal.abort(reason);
    await expect(attempt.head).rejects.toBe(reason);
    expect(() => wire.start()).toThrow(reason);
    expect(wire.done).toEqual([]);
  });

  it('while it waits for its head settles at once, and cuts the connection', async () => {
    const attempt = wire.send();
    wire.start();
    wire.signal.abort(reason);
    await expect(attempt.head).rejects.toBe(reason);
    expect(wire.done).toEqual(['abort']);
    wire.fail('UND_ERR_ABORTED');
  });

  it('after the head and before it is accepted is what the sink is told', async () => {
    const exchange = await answered();
    wire.signal.abort(reason);
    exchange.accept(sink);
    expect([sink.told, sink.error]).toEqual([['200', 'error'], reason]);
  });

  it('in the middle of the body is told once, and nothing after it', async () => {
    const outcomes: Outcome[] = [];
    const exchange = await answered();
    exchange.onEnd((outcome) => outcomes.push(outcome));
    exchange.accept(sink);
    wire.data('a');
    wire.signal.abort(reason);
    wire.fail('UND_ERR_ABORTED');
    expect(sink.told).toEqual(['200', 'a', 'error']);
    expect(wire.done).toEqual(['abort']);
    expect(outcomes).toMatchObject([{ kind: 'ignored' }]);
  });

  it('in the middle of the body says where that was, and at which attempt', async () => {
    const attempt = wire.send({ attempt: 1 });
    wire.start();
    wire.head();
    (await attempt.head).accept(sink);
    const late = new MeshError('INMESH_DEADLINE_EXCEEDED', 'late');
    wire.signal.abort(late);
    expect(sink.error).toBe(late);
    expect(late).toMatchObject({ endpoint: '10.0.0.1:80', attempts: 2 });
  });

  it('of the sink’s own, as the first chunk is handed over, drops the others', async () => {
    const exchange = await answered();
    wire.data('a', 'b');
    sink.onData = () => sink.controller.abort(reason);
    exchange.accept(sink);
    expect([sink.told, sink.error]).toEqual([['200', 'a', 'error'], reason]);
  });

  it('after the end changes nothing', async () => {
    const exchange = await answered();
    exchange.accept(sink);
    wire.end();
    wire.signal.abort(reason);
    expect(sink.told).toEqual(['200', 'end']);
    expect(wire.done).toEqual([]);
  });
});

describe('an idle connection that turns out closed', () => {
  const reused = { socket: { bytesRead: 100 } };

  it('costs an idempotent request nothing: it goes out again, three times; a fourth is the endpoint’s fault', async () => {
    const outcomes: Outcome[] = [];
    const attempt = wire.send();
    attempt.onEnd((outcome) => outcomes.push(outcome));
    for (let turn = 0; turn < 4; turn++) {
      wire.start();
      wire.fail('UND_ERR_SOCKET', reused);
    }
    expect(await failure(attempt)).toMatchObject({ code: 'INMESH_RESET', sent: true });
    expect(wire.dispatched).toBe(4);
    expect(outcomes).toMatchObject([{ kind: 'failure' }]);
  });

  it.each([
    ['a POST', { method: 'POST' }],
    ['a body that streams', { method: 'PUT', body: new PassThrough() }],
  ] as const)('is an error of %s', async (_what, request) => {
    const attempt = wire.send({ request: { origin: 'http://orders', path: '/', ...request } });
    wire.start();
    wire.fail('UND_ERR_SOCKET', reused);
    const error = await failure(attempt);
    expect(error).toMatchObject({ code: 'INMESH_RESET', excused: true });
    expect(outcomeOfError(error, 1).kind).toBe('ignored');
    expect(wire.dispatched).toBe(1);
  });

  it('is a reset like any other where the connection is shared', async () => {
    wire.alone = false;
    const attempt = wire.send();
    wire.start();
    wire.fail('UND_ERR_SOCKET', reused);
    expect(await failure(attempt)).toMatchObject({ code: 'INMESH_RESET', excused: false });
    expect(wire.dispatched).toBe(1);
  });

  it('goes out again whatever it is, where it broke before a byte of the request had left', async () => {
    const attempt = wire.send({ request: { origin: 'http://orders', path: '/', method: 'POST' } });
    wire.fail('ECONNRESET', reused);
    expect(wire.dispatched).toBe(2);
    wire.start();
    wire.head();
    expect((await attempt.head).statusCode).toBe(200);
  });

  it('is told from a new connection that is reset, which is the endpoint’s fault', async () => {
    const outcomes: Outcome[] = [];
    const attempt = wire.send();
    attempt.onEnd((outcome) => outcomes.push(outcome));
    wire.start();
    wire.fail('UND_ERR_SOCKET', { socket: { bytesRead: 0 } });
    expect((await failure(attempt))?.code).toBe('INMESH_RESET');
    expect(wire.dispatched).toBe(1);
    expect(outcomes).toMatchObject([{ kind: 'failure' }]);
  });
});

describe('other ends', () => {
  it('informational heads are passed over, a hundred of them', async () => {
    const attempt = wire.send();
    wire.start();
    for (let hint = 0; hint < 100; hint++) wire.head(103);
    wire.head(201);
    expect((await attempt.head).statusCode).toBe(201);
  });

  it('a request that undici moves to another connection goes on', async () => {
    const attempt = wire.send();
    wire.start();
    wire.start();
    wire.head(200);
    expect((await attempt.head).statusCode).toBe(200);
  });

  it('an upgrade hands the socket over, and ends with it', async () => {
    const outcomes: Outcome[] = [];
    const attempt = wire.send();
    const socket = new PassThrough();
    wire.start();
    attempt.onRequestUpgrade(wire, 101, { upgrade: 'websocket' }, socket);
    const exchange = await attempt.head;
    exchange.onEnd((outcome) => outcomes.push(outcome));
    exchange.accept(sink);
    expect(sink.told).toEqual(['upgrade']);
    expect(outcomes).toEqual([]);
    socket.destroy();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(outcomes).toMatchObject([{ kind: 'success', status: 101 }]);
  });

  it('is told to who asks late, too', async () => {
    const exchange = await answered();
    wire.end();
    const outcomes: Outcome[] = [];
    exchange.onEnd((outcome) => outcomes.push(outcome));
    expect(outcomes).toMatchObject([{ kind: 'success', status: 200 }]);
  });
});
