import type { Dispatcher } from 'undici';
import { beforeEach, describe, expect, it } from 'vitest';
import { createEnv, type Env } from '../../src/core/env.ts';
import { MeshError, meshErrorOf } from '../../src/core/errors.ts';
import type { Call } from '../../src/model/call.ts';
import type { Exchange } from '../../src/model/exchange.ts';
import type { Service } from '../../src/model/service.ts';
import { CallSignal } from '../../src/model/signal.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { Delivery } from '../../src/transport/delivery.ts';
import { fakeCall, FakeExchange } from '../kit/fakes.ts';

/** The caller's side: what its handler was told, and the controller that it holds. */
class Caller implements Dispatcher.DispatchHandler {
  readonly told: string[] = [];
  error: unknown;
  controller!: Dispatcher.DispatchController;
  onStart: () => void = () => {};
  onHead: () => void = () => {};

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    this.told.push('start');
    this.onStart();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.told.push(String(status));
    this.onHead();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.told.push(chunk.toString());
  }

  onResponseEnd(): void {
    this.told.push('end');
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.error = error;
    this.told.push('error');
  }
}

/** The mesh's side: an exchange whose body comes when it is told to. */
class Body extends FakeExchange {
  readonly done: string[] = [];
  readonly rawHeaders = [Buffer.from('a'), Buffer.from('b')];
  readonly rawTrailers = [Buffer.from('c'), Buffer.from('d')];
  readonly aborted = false;
  readonly paused = false;
  readonly reason = null;
  sink!: Dispatcher.DispatchHandler;

  override accept(sink?: Dispatcher.DispatchHandler): void {
    super.accept();
    this.sink = sink!;
    this.sink.onResponseStart?.(this, this.statusCode, this.headers, 'X');
  }

  data(text: string): void {
    this.sink.onResponseData?.(this, Buffer.from(text));
  }

  pause(): void {
    this.done.push('pause');
  }

  resume(): void {
    this.done.push('resume');
  }

  abort(): void {
    this.done.push('abort');
  }
}

let clock: ManualClock;
let warnings: string[];
let env: Env;
let signal: CallSignal;
let caller: Caller;
let settled: number;

beforeEach(() => {
  clock = new ManualClock();
  warnings = [];
  const ignore = (): void => {};
  const warn = (_fields: object, message: string): void => void warnings.push(message);
  env = createEnv({ clock, log: { debug: ignore, info: ignore, warn, error: ignore } });
  signal = new CallSignal();
  caller = new Caller();
  settled = 0;
});

const deliver = (service: Service, given: Partial<Call> = {}): Delivery => {
  const delivery = new Delivery(fakeCall({ signal, ...given }), caller, env, () => settled++);
  delivery.begin(service);
  return delivery;
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const never = (): Promise<Exchange> => new Promise(() => {});

describe('a delivery', () => {
  it('gives the caller its controller at once, then head, body and trailers', async () => {
    const body = new Body();
    deliver(() => Promise.resolve(body));
    expect(caller.told).toEqual(['start']);
    await turn();
    body.data('a');
    expect(caller.controller.rawHeaders).toBe(body.rawHeaders);
    body.sink.onResponseEnd?.(body, {});
    expect(caller.told).toEqual(['start', '200', 'a', 'end']);
    expect(caller.controller.rawTrailers).toBe(body.rawTrailers);
    expect(settled).toBe(1);
  });

  it('tells of what a layer throws, be it at once or later, and of what is no error', async () => {
    const oops = new Error('oops');
    deliver(() => {
      throw oops;
    });
    expect([caller.told, caller.error]).toEqual([['start', 'error'], oops]);
    caller = new Caller();
    // oxlint-disable-next-line prefer-promise-reject-errors -- what a layer of a user's may do
    deliver(() => Promise.reject('odd'));
    await turn();
    expect(caller.error).toEqual(new Error('odd'));
    expect(settled).toBe(2);
  });

  it('is not begun where the caller’s own handler throws at the start', () => {
    let sent = false;
    caller.onStart = () => {
      throw new Error('mine');
    };
    deliver(() => {
      sent = true;
      return never();
    });
    expect([sent, caller.told, settled]).toEqual([false, ['start', 'error'], 1]);
  });

  it('gives up what it carries where the caller’s own handler throws at the head', async () => {
    caller.onHead = () => {
      throw new Error('mine');
    };
    deliver(() => Promise.resolve(new Body()));
    await turn();
    expect(caller.told).toEqual(['start', '200', 'error']);
    expect(signal.aborted).toBe(true);
  });
});

describe('an abort of the caller’s', () => {
  it('at the very start sends nothing', () => {
    let sent = false;
    caller.onStart = () => caller.controller.abort(new Error('mine'));
    deliver(() => {
      sent = true;
      return never();
    });
    expect([sent, caller.told, settled]).toEqual([false, ['start', 'error'], 1]);
  });

  it('while nothing has come settles at once with its reason, and tells the layers why', () => {
    deliver(never);
    const mine = new Error('mine');
    caller.controller.abort(mine);
    expect([caller.error, settled]).toEqual([mine, 1]);
    expect(caller.controller.aborted).toBe(true);
    expect(meshErrorOf(signal.reason)).toMatchObject({ code: 'INMESH_ABORTED', cause: mine });
  });

  it('before the head came discards the exchange that comes after it', async () => {
    const { promise, resolve } = Promise.withResolvers<Exchange>();
    deliver(() => promise);
    caller.controller.abort(new Error('mine'));
    const late = new Body();
    resolve(late);
    await turn();
    expect([late.disposed, late.accepted]).toEqual([true, false]);
    expect(caller.told).toEqual(['start', 'error']);
  });

  it('in the middle of the body is told once, and nothing after it', async () => {
    const body = new Body();
    deliver(() => Promise.resolve(body));
    await turn();
    caller.controller.abort(new Error('mine'));
    body.data('late');
    body.sink.onResponseError?.(body, new Error('late'));
    body.sink.onResponseEnd?.(body, {});
    caller.controller.abort(new Error('twice'));
    expect(caller.told).toEqual(['start', '200', 'error']);
    expect(settled).toBe(1);
  });
});

describe('pausing', () => {
  it('before the head is remembered, and passed on when there is one', async () => {
    const body = new Body();
    caller.onStart = () => caller.controller.pause();
    deliver(() => Promise.resolve(body));
    await turn();
    expect(body.done).toEqual(['pause']);
    caller.controller.resume();
    expect(body.done).toEqual(['pause', 'resume']);
  });
});

describe('a deadline', () => {
  it('that passes before the head leaves the layers one turn to say what they know', async () => {
    const { promise, reject } = Promise.withResolvers<Exchange>();
    deliver(() => promise);
    signal.abort(new MeshError('INMESH_DEADLINE_EXCEEDED', 'late'));
    expect(caller.told).toEqual(['start']);
    reject(new MeshError('INMESH_DEADLINE_EXCEEDED', 'late, after 3 attempts', { attempts: 3 }));
    await turn();
    expect(caller.error).toMatchObject({ attempts: 3 });
  });

  it('that passes before the head settles even where a layer hangs', async () => {
    deliver(never);
    const late = new MeshError('INMESH_DEADLINE_EXCEEDED', 'late');
    signal.abort(late);
    await clock.advance(1);
    expect([caller.error, settled]).toEqual([late, 1]);
  });

  it('that passes while nobody reads the body is told of, with how to mend it', async () => {
    const body = new Body();
    deliver(() => Promise.resolve(body));
    await turn();
    caller.controller.pause();
    signal.abort(new MeshError('INMESH_DEADLINE_EXCEEDED', 'late'));
    expect(caller.told).toEqual(['start', '200', 'error']);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('Read every body');
  });

  it('does not end a stream of events', async () => {
    const late = new MeshError('INMESH_DEADLINE_EXCEEDED', 'late');
    const endings: unknown[] = [];
    for (const type of ['text/event-stream', 'text/event-stream; charset=utf-8', 'text/plain']) {
      signal = new CallSignal();
      caller = new Caller();
      const body = new Body(200, { 'content-type': type });
      deliver(() => Promise.resolve(body));
      signal.expireWith(() => late);
      env.timers.add(signal, clock.now() + 1_000);
      await turn();
      await clock.advance(1_500);
      endings.push(caller.error);
    }
    expect(endings).toEqual([undefined, undefined, late]);
  });
});
