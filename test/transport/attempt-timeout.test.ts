import type { Dispatcher } from 'undici';
import { describe, expect, it } from 'vitest';
import { createEnv, type Env } from '../../src/core/env.ts';
import { MeshError, meshErrorOf } from '../../src/core/errors.ts';
import { silentLogger } from '../../src/core/log.ts';
import type { Call } from '../../src/model/call.ts';
import { Endpoint } from '../../src/model/endpoint.ts';
import type { Exchange } from '../../src/model/exchange.ts';
import { outcomeOfError } from '../../src/model/outcome.ts';
import { attemptTimeoutLayer } from '../../src/resilience/deadline/index.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { Attempt } from '../../src/transport/attempt.ts';
import { fakeCall } from '../kit/fakes.ts';

/** What undici would see of an attempt: the request it was asked to send, and when it was given up. */
class Wire {
  readonly clock = new ManualClock();
  readonly env: Env = createEnv({ clock: this.clock, log: silentLogger });
  readonly aborts: unknown[] = [];
  handler: Dispatcher.DispatchHandler | undefined;
  readonly #controller = {
    paused: false,
    aborted: false,
    reason: null,
    pause: () => {},
    resume: () => {},
    abort: (reason: Error) => void this.aborts.push(reason),
  };

  /** Sends a call through the layer; the request's first byte leaves at once, unless it waits for a connection. */
  send(given: Partial<Call> = {}, { timeout = 3_000, connected = true } = {}): { value?: Exchange; error?: MeshError } {
    const pool = {
      dispatch: (_request: unknown, handler: Dispatcher.DispatchHandler) => {
        this.handler = handler;
        if (connected) handler.onRequestStart?.(this.#controller, {});
        return true;
      },
    } as unknown as Dispatcher;
    const endpoint = new Endpoint({ address: '10.0.0.1:80' });
    const service = attemptTimeoutLayer({ timeout })((call) => new Attempt(call, endpoint, pool, this.env).head);
    const state: { value?: Exchange; error?: MeshError } = {};
    service(fakeCall({ start: this.clock.now(), ...given })).then(
      (value) => (state.value = value),
      (error: unknown) => (state.error = meshErrorOf(error)!),
    );
    return state;
  }

  answer(): void {
    this.handler!.onResponseStart!(this.#controller, 200, {}, 'OK');
  }
}

describe('the attempt timeout', () => {
  it('gives up an attempt without a head, blaming its endpoint, and leaves the call alive', async () => {
    const wire = new Wire();
    const call = fakeCall({ start: 1_000, deadline: 11_000 });
    const result = wire.send(call);
    await wire.clock.advance(2_999);
    expect(result.error).toBeUndefined();
    await wire.clock.advance(1);
    expect(result.error).toMatchObject({ code: 'INMESH_ATTEMPT_TIMEOUT', service: 'orders', sent: true });
    expect(result.error!.message).toMatch(/orders .*3s; raise attemptTimeout/);
    expect(outcomeOfError(result.error, 3_000)).toMatchObject({ kind: 'failure', retryable: true });
    expect(wire.aborts).toHaveLength(1);
    expect(call.signal.aborted).toBe(false);
  });

  it('knows that nothing was sent where there was no connection yet', async () => {
    const wire = new Wire();
    const result = wire.send({}, { connected: false });
    await wire.clock.advance(3_000);
    expect(result.error).toMatchObject({ code: 'INMESH_ATTEMPT_TIMEOUT', sent: false });
  });

  it('leaves the body alone once the head is in', async () => {
    const wire = new Wire();
    const result = wire.send();
    await wire.clock.advance(2_000);
    wire.answer();
    await wire.clock.advance(60_000);
    expect(result.value!.statusCode).toBe(200);
    expect(wire.aborts).toEqual([]);
    expect(wire.env.timers.size).toBe(0);
  });

  it('ends with the call, which takes the attempt along, head or no head', async () => {
    for (const answered of [false, true]) {
      const wire = new Wire();
      const call = fakeCall({ start: 1_000 });
      wire.send(call);
      if (answered) wire.answer();
      const reason = new MeshError('INMESH_ABORTED', 'gone');
      call.signal.abort(reason);
      await wire.clock.advance(0);
      expect(wire.aborts).toEqual([reason]);
      expect(wire.env.timers.size).toBe(0);
    }
  });

  it('lets an attempt that reaches the deadline use all that remains', () => {
    const wire = new Wire();
    wire.send({ deadline: 4_000 });
    expect(wire.env.timers.size).toBe(0);
  });

  it('does not start an attempt that nobody waits for any more', async () => {
    const wire = new Wire();
    const call = fakeCall({ start: 1_000 });
    call.signal.abort(new MeshError('INMESH_ABORTED', 'gone'));
    const result = wire.send(call);
    await wire.clock.advance(0);
    expect(result.error!.code).toBe('INMESH_ABORTED');
    expect(wire.handler).toBeUndefined();
    expect(wire.env.timers.size).toBe(0);
  });

  it('counts from when the attempt began, not from when the call did', async () => {
    const wire = new Wire();
    const result = wire.send({ start: -5_000, begun: 1_000 });
    await wire.clock.advance(2_999);
    expect(result.error).toBeUndefined();
    await wire.clock.advance(1);
    expect(result.error!.code).toBe('INMESH_ATTEMPT_TIMEOUT');
  });
});

describe('the attempt timeout in a process that stood still', () => {
  it('takes the answer that waited meanwhile', async () => {
    const wire = new Wire();
    const result = wire.send();
    await wire.clock.jump(5_000); // timers run before the sockets are read
    expect(result.error).toBeUndefined();
    wire.answer();
    await wire.clock.advance(0);
    expect(result.value!.statusCode).toBe(200);
    expect(wire.env.timers.size).toBe(0);
  });

  it('gives the attempt its time again, and then does blame a black hole', async () => {
    const wire = new Wire();
    const result = wire.send();
    await wire.clock.jump(5_000);
    await wire.clock.advance(2_999);
    expect(result.error).toBeUndefined();
    await wire.clock.advance(1);
    expect(result.error!.code).toBe('INMESH_ATTEMPT_TIMEOUT');
  });

  it('leaves the rest to the deadline where the attempt cannot have its time again', async () => {
    const wire = new Wire();
    const result = wire.send({ deadline: 8_000 });
    await wire.clock.jump(5_000);
    await wire.clock.advance(1_999);
    expect(result.error).toBeUndefined();
    expect(wire.env.timers.size).toBe(0);
  });

  it('is not fooled by the little that timers are always late', async () => {
    const wire = new Wire();
    const result = wire.send();
    await wire.clock.jump(3_020);
    expect(result.error!.code).toBe('INMESH_ATTEMPT_TIMEOUT');
  });
});
