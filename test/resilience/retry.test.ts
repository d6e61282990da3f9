import { describe, expect, it } from 'vitest';
import { createEnv, type Env } from '../../src/core/env.ts';
import { MeshError, type MeshErrorCode, type MeshErrorDetails } from '../../src/core/errors.ts';
import { silentLogger } from '../../src/core/log.ts';
import { seededRandom } from '../../src/core/random.ts';
import { attribute } from '../../src/model/attribution.ts';
import type { Call } from '../../src/model/call.ts';
import { Endpoint } from '../../src/model/endpoint.ts';
import type { Exchange } from '../../src/model/exchange.ts';
import { RetryBudget } from '../../src/resilience/budget/index.ts';
import { retryLayer } from '../../src/resilience/retry/index.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { fakeCall, FakeExchange } from '../kit/fakes.ts';

type Step = Exchange | Error | ((call: Call) => Exchange | Error | Promise<Exchange>);

const [a, b, c] = ['10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80'].map((address) => new Endpoint({ address }));

interface World {
  readonly clock: ManualClock;
  readonly env: Env;
  readonly budget: RetryBudget;
  /** Every attempt, with when it was made. */
  readonly attempts: { readonly call: Call; readonly at: number }[];
  /** Sends a call; the steps are what its attempts meet, the last one again and again. */
  send(steps: Step[], given?: Partial<Call>): Result;
}

interface Result {
  value?: Exchange;
  error?: unknown;
}

function world({
  random = (): number => 0.5,
  max = 2,
  ratio = 0.2,
  floorPerSecond = 1,
  base = 25,
  cap = 1_000,
} = {}): World {
  const clock = new ManualClock();
  const env = createEnv({ clock, random, log: silentLogger });
  const budget = new RetryBudget({ ratio, floorPerSecond, window: 10_000 }, clock);
  const attempts: World['attempts'] = [];
  const layer = retryLayer({ max, backoff: { base, cap }, replayLimit: 65_536, budget, env });
  return {
    clock,
    env,
    budget,
    attempts,
    send(steps, given = {}) {
      let next = 0;
      const service = layer(async (call) => {
        attempts.push({ call, at: clock.now() });
        const step = steps[Math.min(next++, steps.length - 1)]!;
        const met = await (typeof step === 'function' ? step(call) : step);
        if (met instanceof Error) throw met;
        return met;
      });
      const result: Result = {};
      service(fakeCall({ start: clock.now(), ...given })).then(
        (value) => (result.value = value),
        (error: unknown) => (result.error = error),
      );
      return result;
    },
  };
}

function fault(code: MeshErrorCode, details: MeshErrorDetails = {}, endpoint?: Endpoint): MeshError {
  const error = new MeshError(code, 'it failed', { service: 'orders', ...details });
  if (endpoint !== undefined) attribute(error, endpoint, 0);
  return error;
}

const ok = (): FakeExchange => new FakeExchange(200);
const get = (headers?: Record<string, string>): Call['request'] => ({
  origin: 'http://orders',
  path: '/',
  method: 'GET',
  ...(headers && { headers }),
});
const post = (more: object = {}): Call['request'] => ({
  origin: 'http://orders',
  path: '/',
  method: 'POST',
  body: 'x',
  ...more,
});

describe('what is retried', () => {
  it.each([429, 502, 503, 504])('an idempotent request answered %i, and the loser is let go', async (status) => {
    const w = world();
    const loser = new FakeExchange(status);
    const result = w.send([loser, ok()]);
    await w.clock.advance(1_000);
    expect(result.value!.statusCode).toBe(200);
    expect(w.attempts).toHaveLength(2);
    expect(loser.disposed).toBe(true);
  });

  it.each([200, 301, 404, 408, 500, 501, 505])('not one answered %i', async (status) => {
    const w = world();
    const answer = new FakeExchange(status);
    const result = w.send([answer]);
    await w.clock.advance(1_000);
    expect(result.value).toBe(answer);
    expect(answer.disposed).toBe(false);
    expect(w.attempts).toHaveLength(1);
  });

  it.each(['INMESH_CONNECT_FAILED', 'INMESH_RESET', 'INMESH_ATTEMPT_TIMEOUT', 'INMESH_PROTOCOL'] as const)(
    'an idempotent request that met %s',
    async (code) => {
      const w = world();
      const result = w.send([fault(code), ok()]);
      await w.clock.advance(1_000);
      expect(result.value!.statusCode).toBe(200);
    },
  );

  it.each([
    'INMESH_TLS',
    'INMESH_ABORTED',
    'INMESH_DEADLINE_EXCEEDED',
    'INMESH_BREAKER_OPEN',
    'INMESH_OVERLOADED',
    'INMESH_NO_ENDPOINT',
    'INMESH_REQUEST_INVALID',
  ] as const)('not one that met %s, sent or not: it would meet the same again', async (code) => {
    const w = world();
    const error = fault(code, { sent: false });
    const result = w.send([error]);
    await w.clock.advance(1_000);
    expect(result.error).toBe(error);
    expect(w.attempts).toHaveLength(1);
  });

  it('not an error that is none of ours', async () => {
    const w = world();
    const error = new TypeError('a bug in a layer');
    const result = w.send([error]);
    await w.clock.advance(1_000);
    expect(result.error).toBe(error);
    expect(w.attempts).toHaveLength(1);
  });

  it.each(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY'] as const)(
    '%s after a reset',
    async (method) => {
      const w = world();
      w.send([fault('INMESH_RESET'), ok()], { request: { ...get(), method } });
      await w.clock.advance(1_000);
      expect(w.attempts).toHaveLength(2);
    },
  );

  it.each(['POST', 'PATCH', 'CONNECT'] as const)('not %s, by a reset or by a 503', async (method) => {
    const w = world();
    const unavailable = new FakeExchange(503);
    const first = w.send([fault('INMESH_RESET')], { request: { ...post(), method } });
    const second = w.send([unavailable], { request: { ...post(), method } });
    await w.clock.advance(1_000);
    expect(first.error).toMatchObject({ code: 'INMESH_RESET', attempts: 1, retriesSpent: false });
    expect(second.value).toBe(unavailable);
    expect(unavailable.disposed).toBe(false);
    expect(unavailable.headers).not.toHaveProperty('x-mesh-retry');
    expect(w.attempts).toHaveLength(2);
  });

  it('POST that was never sent', async () => {
    const w = world();
    const result = w.send([fault('INMESH_CONNECT_FAILED', { sent: false }), ok()], { request: post() });
    await w.clock.advance(1_000);
    expect(result.value!.statusCode).toBe(200);
  });

  it.each([
    { headers: { 'Idempotency-Key': 'k' } },
    { headers: ['accept', '*/*', 'idempotency-key', 'k'] },
    { headers: new Map([['idempotency-key', 'k']]) },
    { idempotent: true },
  ])('POST that its caller says may be sent twice: %j', async (more) => {
    const w = world();
    w.send([new FakeExchange(503), ok()], { request: post(more) });
    await w.clock.advance(1_000);
    expect(w.attempts).toHaveLength(2);
  });

  it('not POST whose header merely has that value, nor GET whose caller says once only', async () => {
    const w = world();
    w.send([new FakeExchange(503)], { request: post({ headers: ['x-name', 'idempotency-key'] }) });
    w.send([new FakeExchange(503)], { request: { ...get(), idempotent: false } });
    await w.clock.advance(1_000);
    expect(w.attempts).toHaveLength(2);
  });

  it('not what a tier beneath has retried already', async () => {
    const w = world();
    const answer = new FakeExchange(503, { 'x-mesh-retry': 'never' });
    const result = w.send([answer]);
    await w.clock.advance(1_000);
    expect(result.value).toBe(answer);
    expect(w.attempts).toHaveLength(1);
  });
});

describe('each retry', () => {
  it('is numbered, and knows every endpoint that failed before, by head or by error', async () => {
    const w = world();
    w.send([new FakeExchange(503, {}, a), fault('INMESH_RESET', {}, b), new FakeExchange(200, {}, c)]);
    await w.clock.advance(1_000);
    expect(w.attempts.map(({ call }) => call.attempt)).toEqual([0, 1, 2]);
    expect(w.attempts.map(({ call }) => call.tried)).toEqual([[], [a], [a, b]]);
  });

  it('waits anywhere from nothing to a bound that doubles up to its cap', async () => {
    const gaps = async (random: () => number): Promise<number[]> => {
      const w = world({ random, max: 4, base: 100, cap: 300 });
      w.send([new FakeExchange(503)]);
      await w.clock.advance(10_000);
      return w.attempts.slice(1).map(({ at }, index) => Math.round(at - w.attempts[index]!.at));
    };
    expect(await gaps(() => 0)).toEqual([0, 0, 0, 0]);
    expect(await gaps(() => 0.999_999)).toEqual([100, 200, 300, 300]);
    expect(await gaps(() => 0.5)).toEqual([50, 100, 150, 150]);
  });

  it('is not made beyond the maximum; the last response is returned and says so', async () => {
    const w = world();
    const answers = [new FakeExchange(503), new FakeExchange(502), new FakeExchange(503)];
    const result = w.send([...answers]);
    await w.clock.advance(10_000);
    expect(w.attempts).toHaveLength(3);
    expect(result.value!.statusCode).toBe(503);
    expect(result.value!.headers['x-mesh-retry']).toBe('never');
    expect(answers.map(({ disposed }) => disposed)).toEqual([true, true, false]);
  });

  it('is not made beyond the maximum; the last error is thrown and says so', async () => {
    const w = world();
    const last = fault('INMESH_RESET');
    const result = w.send([fault('INMESH_RESET'), fault('INMESH_RESET'), last]);
    await w.clock.advance(10_000);
    expect(result.error).toBe(last);
    expect(last).toMatchObject({ attempts: 3, retriesSpent: true });
  });

  it('is none at all where the maximum is 0, and nothing is said of retries', async () => {
    const w = world({ max: 0 });
    const answer = new FakeExchange(503);
    const result = w.send([answer]);
    await w.clock.advance(1_000);
    expect(result.value).toBe(answer);
    expect(answer.headers).not.toHaveProperty('x-mesh-retry');
  });

  it('ends with the first failure that may not be retried', async () => {
    const w = world();
    const error = fault('INMESH_TLS');
    const result = w.send([fault('INMESH_RESET'), error]);
    await w.clock.advance(1_000);
    expect(result.error).toBe(error);
    expect(error).toMatchObject({ attempts: 2, retriesSpent: false });
  });
});

describe('Retry-After', () => {
  it.each([
    ['2', 2_000],
    ['0', 0],
    ['-5', 0],
    ['soon', 0],
    ['Thu, 01 Jan 2026 00:00:03 GMT', 3_000],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 0],
  ])('%j is waited for, and the jitter after it', async (header, floor) => {
    const w = world({ base: 100 });
    w.send([new FakeExchange(503, { 'retry-after': header }), ok()]);
    await w.clock.advance(60_000);
    expect(w.attempts[1]!.at - w.attempts[0]!.at).toBe(floor + 50);
  });

  it.each(['301', '1000000000'])(
    '%j is longer than anybody waits: the response is returned at once',
    async (header) => {
      const w = world();
      const answer = new FakeExchange(429, { 'retry-after': header });
      const result = w.send([answer]);
      await w.clock.advance(0);
      expect(result.value).toBe(answer);
      expect(answer.disposed).toBe(false);
      expect(w.budget.retries).toBe(0);
    },
  );

  it('that passes the deadline returns the response at once', async () => {
    const w = world();
    const answer = new FakeExchange(503, { 'retry-after': '2' });
    const result = w.send([answer], { deadline: w.clock.now() + 2_000 });
    await w.clock.advance(0);
    expect(result.value).toBe(answer);
    expect(answer.disposed).toBe(false);
    expect(answer.headers).not.toHaveProperty('x-mesh-retry');
  });
});

describe('back-off', () => {
  it('is not begun where it would pass the deadline', async () => {
    const w = world({ base: 100 });
    const error = fault('INMESH_RESET');
    const result = w.send([error], { deadline: w.clock.now() + 50 });
    await w.clock.advance(0);
    expect(result.error).toBe(error);
    expect(w.budget.retries).toBe(0);
  });

  it('ends at once with the reason when the call is given up, and leaves nothing behind', async () => {
    const w = world({ base: 1_000 });
    const call = fakeCall();
    const loser = new FakeExchange(503);
    const result = w.send([loser, ok()], call);
    await w.clock.advance(100);
    expect(result.value ?? result.error).toBeUndefined();
    const reason = fault('INMESH_ABORTED');
    call.signal.abort(reason);
    await w.clock.advance(0);
    expect(result.error).toBe(reason);
    expect(loser.disposed).toBe(true);
    expect(w.env.timers.size).toBe(0);
    await w.clock.advance(10_000);
    expect(w.attempts).toHaveLength(1);
  });

  it('is not begun for a call that was given up during its attempt', async () => {
    const w = world();
    const call = fakeCall();
    const error = fault('INMESH_RESET');
    const result = w.send(
      [
        (attempt) => {
          attempt.signal.abort(fault('INMESH_ABORTED'));
          return error;
        },
      ],
      call,
    );
    await w.clock.advance(1_000);
    expect(result.error).toBe(error);
    expect(w.attempts).toHaveLength(1);
  });

  it('leaves nothing behind that a later abort could stir', async () => {
    const w = world();
    const call = fakeCall();
    w.send([new FakeExchange(503), ok()], call);
    await w.clock.advance(1_000);
    call.signal.abort(fault('INMESH_ABORTED'));
    await w.clock.advance(1_000);
    expect(w.attempts).toHaveLength(2);
    expect(w.env.timers.size).toBe(0);
  });
});

describe('the budget', () => {
  it('gets a deposit for each first attempt that was answered, in earnest, and none for what asks for a retry', async () => {
    const w = world({ floorPerSecond: 0, ratio: 1 });
    w.send([ok()]);
    w.send([new FakeExchange(500)]);
    w.send([ok()], { attempt: 1 });
    w.send([new FakeExchange(503)], { request: post() });
    w.send([fault('INMESH_RESET')], { request: post() });
    await w.clock.advance(0);
    expect(w.budget.snapshot().answered).toBe(2);
  });

  it('pays before the wait, and once it is empty the failure is the answer, marked', async () => {
    const w = world({ floorPerSecond: 0.1, base: 1_000 });
    const first = w.send([new FakeExchange(503), ok()]);
    const loser = new FakeExchange(503);
    const second = w.send([loser]);
    await w.clock.advance(0);
    expect(first.value).toBeUndefined();
    expect(second.value!.headers['x-mesh-retry']).toBe('never');
    expect(loser.disposed).toBe(false);
    await w.clock.advance(1_000);
    expect(first.value!.statusCode).toBe(200);
    expect(w.budget.snapshot()).toMatchObject({ retries: 1, exhausted: 1 });
  });

  it('marks the error that it refused to retry', async () => {
    const w = world({ floorPerSecond: 0 });
    const error = fault('INMESH_RESET');
    w.send([error]);
    await w.clock.advance(0);
    expect(error).toMatchObject({ attempts: 1, retriesSpent: true });
  });

  it('lets the first re-dial through even when empty, since nothing was sent, but counts it; the second must be paid', async () => {
    const w = world({ floorPerSecond: 0 });
    const refused = (): MeshError => fault('INMESH_CONNECT_FAILED', { sent: false });
    const first = w.send([refused(), ok()]);
    const second = w.send([refused(), refused(), ok()]);
    await w.clock.advance(1_000);
    expect(first.value!.statusCode).toBe(200);
    expect(second.error).toMatchObject({ code: 'INMESH_CONNECT_FAILED', attempts: 2, retriesSpent: true });
    expect(w.budget.retries).toBe(2);
  });

  it('makes one call in a hundred that fails succeed, all but always', async () => {
    const w = world({ random: seededRandom(7) });
    const chance = seededRandom(42);
    const results: Result[] = [];
    for (let second = 0; second < 100; second++) {
      for (let i = 0; i < 200; i++) results.push(w.send([() => new FakeExchange(chance() < 0.01 ? 503 : 200)]));
      await w.clock.advance(1_000);
    }
    const succeeded = results.filter(({ value }) => value?.statusCode === 200).length;
    expect(w.attempts.length).toBeGreaterThan(20_100);
    expect(w.attempts.length).toBeLessThan(20_400);
    expect(succeeded / results.length).toBeGreaterThanOrEqual(0.9999);
  });
});

describe('a response marked x-mesh-retry: never', () => {
  it('reaches the caller with the header both parsed and raw, once the informational heads are through', async () => {
    const w = world({ floorPerSecond: 0 });
    const heads: unknown[] = [];
    class Sink {
      readonly #seen = heads;
      onResponseStart(controller: { rawHeaders?: unknown }, status: number, headers: object): void {
        this.#seen.push([status, { ...headers }, (controller.rawHeaders as Buffer[]).map(String)]);
      }
      onResponseEnd(): void {
        this.#seen.push('end');
      }
    }
    const exchange = new FakeExchange(503);
    exchange.accept = ((sink: Sink) => {
      const controller = { rawHeaders: [Buffer.from('server'), Buffer.from('x')] };
      sink.onResponseStart({ rawHeaders: [] }, 103, {});
      sink.onResponseStart(controller, 503, { server: 'x' });
      sink.onResponseEnd();
    }) as never;
    const result = w.send([exchange]);
    await w.clock.advance(0);
    result.value!.accept(new Sink());
    expect(heads).toEqual([
      [103, {}, []],
      [503, { server: 'x', 'x-mesh-retry': 'never' }, ['server', 'x', 'x-mesh-retry', 'never']],
      'end',
    ]);
  });

  it('still tells of its end and can still be discarded', async () => {
    const w = world({ floorPerSecond: 0 });
    const exchange = new FakeExchange(503);
    const result = w.send([exchange]);
    await w.clock.advance(0);
    const outcomes: unknown[] = [];
    result.value!.onEnd((outcome) => outcomes.push(outcome.kind));
    result.value![Symbol.dispose]();
    expect(exchange.disposed).toBe(true);
    expect(outcomes).toEqual(['failure']);
  });
});
