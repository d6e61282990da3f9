import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEnv } from '../../src/core/env.ts';
import { isMeshError, MeshError, meshErrorOf } from '../../src/core/errors.ts';
import { silentLogger } from '../../src/core/log.ts';
import { Endpoint } from '../../src/model/endpoint.ts';
import type { Exchange } from '../../src/model/exchange.ts';
import { outcomeOfError } from '../../src/model/outcome.ts';
import { CallSignal } from '../../src/model/signal.ts';
import {
  admissionLayer,
  ConcurrencyLimit,
  endpointLimitLayer,
  type LimitSettings,
} from '../../src/resilience/limit/index.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { fakeCall, FakeExchange } from '../kit/fakes.ts';

const SETTINGS: LimitSettings = { perService: 2, perEndpoint: 3, queue: 2, queueTimeout: 1_000 };

function start(given: Partial<LimitSettings> = {}) {
  const clock = new ManualClock();
  const env = createEnv({ clock, log: silentLogger });
  const limit = new ConcurrencyLimit({ ...SETTINGS, ...given }, env, 'orders');
  const answered: FakeExchange[] = [];
  const service = admissionLayer(limit)(() => {
    const exchange = new FakeExchange();
    answered.push(exchange);
    return Promise.resolve(exchange);
  });
  return { clock, env, limit, service, answered };
}

/** What became of a promise, without waiting for it. */
function watch(promise: Promise<unknown>): { settled: 'no' | 'resolved' | 'rejected'; error: MeshError | undefined } {
  const seen = { settled: 'no' as 'no' | 'resolved' | 'rejected', error: undefined as MeshError | undefined };
  promise.then(
    () => (seen.settled = 'resolved'),
    (error: unknown) => {
      seen.settled = 'rejected';
      seen.error = meshErrorOf(error);
    },
  );
  return seen;
}

describe('limit of a service', () => {
  it('lets calls in until it is reached, and the next when a body has ended, not when its head is there', async () => {
    const { clock, limit, service, answered } = start();
    await service(fakeCall());
    await service(fakeCall());
    const third = watch(service(fakeCall()));
    await clock.advance(500);
    expect(third.settled).toBe('no');
    expect(limit).toMatchObject({ inFlight: 2, queued: 1 });
    answered[0]!.end();
    await clock.advance(0);
    expect(third.settled).toBe('resolved');
    expect(limit).toMatchObject({ inFlight: 2, queued: 0 });
  });

  it('gives the slot of a call that failed back', async () => {
    const { limit } = start();
    const failing = admissionLayer(limit)(() => Promise.reject(new MeshError('INMESH_RESET', 'reset')));
    await expect(failing(fakeCall())).rejects.toThrow('reset');
    expect(limit.inFlight).toBe(0);
  });

  it('gives the slot back when a layer beneath throws instead of rejecting', async () => {
    const { limit } = start();
    const broken = admissionLayer(limit)(() => {
      throw new TypeError('a bug');
    });
    await expect(broken(fakeCall())).rejects.toThrow('a bug');
    expect(limit.inFlight).toBe(0);
  });

  it('gives the slot of an exchange that ended before anyone looked back, once', async () => {
    const { limit } = start();
    const ended = new FakeExchange();
    ended.end();
    await admissionLayer(limit)(() => Promise.resolve(ended))(fakeCall());
    ended[Symbol.dispose]();
    expect(limit.inFlight).toBe(0);
  });

  it('serves those who wait in the order they came, and lets no newcomer past them', async () => {
    const { clock, limit, service, answered } = start({ perService: 1 });
    await service(fakeCall());
    const order: string[] = [];
    void service(fakeCall()).then(() => order.push('first'));
    void service(fakeCall()).then(() => order.push('second'));
    expect(limit.tryAcquire()).toBe(false);
    for (let i = 0; i < 2; i++) {
      answered[i]!.end();
      await clock.advance(0);
    }
    expect(order).toEqual(['first', 'second']);
  });

  it('refuses at once when the queue is full, and says which limit, how many, and what to do', async () => {
    const { service } = start();
    for (let i = 0; i < 2; i++) await service(fakeCall());
    for (let i = 0; i < 2; i++) void service(fakeCall());
    const error = meshErrorOf(await service(fakeCall()).catch((thrown: unknown) => thrown));
    expect(error?.message).toBe(
      'Too many calls to orders: 2 of 2 under way (perService), 2 of 2 waiting (queue); there is no room to wait. ' +
        'Send less, make the service faster, or raise services.orders.limits',
    );
    expect(error).toMatchObject({ code: 'INMESH_OVERLOADED', service: 'orders', sent: false });
    expect(outcomeOfError(error, 0).kind).toBe('ignored');
  });

  it('refuses at once without a queue', async () => {
    const { service } = start({ perService: 1, queue: 0 });
    await service(fakeCall());
    await expect(service(fakeCall())).rejects.toMatchObject({ code: 'INMESH_OVERLOADED' });
  });

  it('refuses a call that waited for queueTimeout, and not earlier', async () => {
    const { clock, limit, service } = start({ perService: 1 });
    await service(fakeCall());
    const waiting = watch(service(fakeCall()));
    await clock.advance(999);
    expect(waiting.settled).toBe('no');
    await clock.advance(1);
    expect(waiting.error).toMatchObject({ code: 'INMESH_OVERLOADED' });
    expect(waiting.error?.message).toContain('no slot came free within 1s (queueTimeout)');
    expect(limit).toMatchObject({ inFlight: 1, queued: 0 });
  });

  it('ends the wait with the deadline of the call, as a deadline', async () => {
    const { clock, service } = start({ perService: 1 });
    await service(fakeCall());
    const waiting = watch(service(fakeCall({ start: clock.now(), deadline: clock.now() + 300 })));
    await clock.advance(299);
    expect(waiting.settled).toBe('no');
    await clock.advance(1);
    expect(waiting.error).toMatchObject({ code: 'INMESH_DEADLINE_EXCEEDED', attempts: 0, sent: false });
  });

  it('lets an aborted call out of the queue at once, with its own reason', async () => {
    const { clock, env, limit, service } = start({ perService: 1 });
    await service(fakeCall());
    const signal = new CallSignal();
    const reason = new MeshError('INMESH_ABORTED', 'the caller left');
    const waiting = watch(service(fakeCall({ signal })));
    signal.abort(reason);
    expect(limit.queued).toBe(0);
    expect(env.timers.size).toBe(0);
    await clock.advance(0);
    expect(waiting.error).toBe(reason);
  });

  it('does not take in a call that was aborted before it came', async () => {
    const { limit, service } = start({ perService: 1 });
    await service(fakeCall());
    const signal = new CallSignal();
    signal.abort(new MeshError('INMESH_ABORTED', 'gone'));
    await expect(service(fakeCall({ signal }))).rejects.toThrow('gone');
    expect(limit.queued).toBe(0);
  });

  it('takes over a higher limit for those who wait, and a lower one without cutting anybody', async () => {
    const { clock, limit, service } = start({ perService: 1 });
    await service(fakeCall());
    const waiting = watch(service(fakeCall()));
    limit.update({ ...SETTINGS, perService: 2 });
    await clock.advance(0);
    expect(waiting.settled).toBe('resolved');
    limit.update({ ...SETTINGS, perService: 1 });
    expect(limit.inFlight).toBe(2);
    limit.release();
    expect(limit.tryAcquire()).toBe(false);
  });
});

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('call' as const), allowed: fc.integer({ min: 0, max: 3_000 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('end' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fail' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 700 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
);

describe('the invariants of a limit', () => {
  it('hold whatever comes, ends, fails, gives up or times out: bounds kept, everyone settled, no slot lost', async () => {
    let queuedAtMost = 0;
    const property = fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120, size: 'max' }), async (steps) => {
      const clock = new ManualClock();
      const env = createEnv({ clock, log: silentLogger });
      const limit = new ConcurrencyLimit({ ...SETTINGS, perService: 3, queue: 4 }, env, 'orders');
      const inside: { exchange: FakeExchange; answer: (fails: boolean) => void }[] = [];
      const signals: CallSignal[] = [];
      const results: Promise<unknown>[] = [];
      const service = admissionLayer(limit)(
        () =>
          new Promise<Exchange>((resolve, reject) => {
            const exchange = new FakeExchange();
            const answer = (fails: boolean): void => (fails ? reject(new Error('failed')) : resolve(exchange));
            inside.push({ exchange, answer });
          }),
      );
      const check = (): void => {
        expect(limit.inFlight).toBeLessThanOrEqual(3);
        expect(inside.length).toBeLessThanOrEqual(limit.inFlight);
        expect(limit.queued).toBeLessThanOrEqual(4);
        expect(env.timers.size).toBe(limit.queued);
        queuedAtMost = Math.max(queuedAtMost, limit.queued);
      };
      const leave = async (which: number, fails: boolean): Promise<void> => {
        const [gone] = inside.splice(which % inside.length, 1);
        gone?.answer(fails);
        gone?.exchange.end();
        if (gone !== undefined) await clock.advance(0);
      };
      for (const action of steps) {
        if (action.do === 'call') {
          const signal = new CallSignal();
          signals.push(signal);
          results.push(service(fakeCall({ signal, deadline: clock.now() + action.allowed })).catch(() => undefined));
        } else if (action.do === 'end' || action.do === 'fail') await leave(action.which, action.do === 'fail');
        else if (action.do === 'abort') signals[action.which % signals.length]?.abort(new Error('gave up'));
        else await clock.advance(action.do === 'wait' ? action.ms : 0);
        check();
      }
      for (let i = 0; i < 200 && limit.inFlight + limit.queued > 0; i++) {
        await clock.advance(0);
        await leave(0, false);
        check();
      }
      await Promise.all(results);
      expect(limit).toMatchObject({ inFlight: 0, queued: 0 });
      expect(env.timers.size).toBe(0);
    });
    await fc.assert(property, { numRuns: 150 });
    expect(queuedAtMost).toBe(4);
  });
});

describe('limit of an endpoint', () => {
  const service = endpointLimitLayer(SETTINGS)(() => Promise.resolve(new FakeExchange()));
  const endpoint = new Endpoint({ address: '10.0.0.7:80' });

  it('lets an attempt through while the endpoint, this attempt counted, is within its limit', async () => {
    endpoint.inFlight = 3;
    expect((await service(fakeCall({ endpoint }))).statusCode).toBe(200);
  });

  it('refuses the one too many unsent, names the endpoint, and says nothing against it', async () => {
    endpoint.inFlight = 4;
    const error: unknown = await service(fakeCall({ endpoint })).catch((thrown: unknown) => thrown);
    expect(isMeshError(error, 'INMESH_OVERLOADED')).toBe(true);
    expect(error).toMatchObject({ sent: false, endpoint: '10.0.0.7:80', service: 'orders' });
    expect((error as Error).message).toBe(
      'Too many attempts at 10.0.0.7:80 of orders: 3 of 3 under way (perEndpoint). ' +
        'Send less, add endpoints, or raise services.orders.limits.perEndpoint',
    );
    expect(outcomeOfError(error, 0).kind).toBe('ignored');
  });
});
