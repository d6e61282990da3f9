import { describe, expect, it } from 'vitest';
import { createEnv } from '../../src/core/env.ts';
import { isMeshError, MeshError, type MeshErrorCode } from '../../src/core/errors.ts';
import { silentLogger } from '../../src/core/log.ts';
import type { Exchange } from '../../src/model/exchange.ts';
import { breakerLayer, createBreaker } from '../../src/resilience/breaker/index.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { fakeCall, FakeExchange } from '../kit/fakes.ts';

const SETTINGS = { errorRate: 0.5, volume: 20, window: 10_000, open: 5_000, openCap: 60_000 };

function start(answer: () => Promise<Exchange>) {
  const clock = new ManualClock();
  const breaker = createBreaker(SETTINGS, createEnv({ clock, random: () => 0, log: silentLogger }), 'orders');
  const service = breakerLayer(breaker)(answer);
  return { clock, breaker, call: () => service(fakeCall()) };
}

/** How many of thirty calls, one after another, reach the service. */
async function reached(answer: () => Promise<Exchange>): Promise<number> {
  let count = 0;
  const { call } = start(() => (count++, answer()));
  for (let i = 0; i < 30; i++) await call().catch(() => {});
  return count;
}

const failing =
  (code: MeshErrorCode, attempts = 0) =>
  () =>
    Promise.reject(new MeshError(code, code, { attempts }));

describe('breaker layer', () => {
  it.each(['INMESH_CONNECT_FAILED', 'INMESH_RESET', 'INMESH_ATTEMPT_TIMEOUT', 'INMESH_PROTOCOL'] as const)(
    'refuses the very next call after twenty that ended with %s',
    async (code) => expect(await reached(failing(code, 3))).toBe(20),
  );

  it.each([500, 502, 503, 504])('counts the answer %i as a failure of the service', async (status) => {
    expect(await reached(() => Promise.resolve(new FakeExchange(status)))).toBe(20);
  });

  it.each([200, 304, 400, 404, 429, 501, 505])('counts the answer %i as the service being well', async (status) => {
    expect(await reached(() => Promise.resolve(new FakeExchange(status)))).toBe(30);
  });

  it.each([
    'INMESH_OVERLOADED',
    'INMESH_RATE_LIMITED',
    'INMESH_THROTTLED',
    'INMESH_ABORTED',
    'INMESH_NO_ENDPOINT',
    'INMESH_RESOLVE_FAILED',
    'INMESH_TLS',
    'INMESH_REQUEST_INVALID',
  ] as const)('does not count %s, which the service is not to blame for', async (code) => {
    expect(await reached(failing(code, 1))).toBe(30);
  });

  it('does not count errors that it does not know', async () => {
    expect(await reached(() => Promise.reject(new TypeError('a bug')))).toBe(30);
  });

  it('counts a deadline that passed while the service was tried, and not one that passed before', async () => {
    expect(await reached(failing('INMESH_DEADLINE_EXCEEDED', 1))).toBe(20);
    expect(await reached(failing('INMESH_DEADLINE_EXCEEDED', 0))).toBe(30);
  });

  it('hands on the head and the error as they are', async () => {
    const exchange = new FakeExchange(503);
    expect(await start(() => Promise.resolve(exchange)).call()).toBe(exchange);
    const error = new MeshError('INMESH_RESET', 'reset');
    await expect(start(() => Promise.reject(error)).call()).rejects.toBe(error);
  });

  it('closes again when the probe is answered, and lets the next call pass at once', async () => {
    let status = 503;
    const { clock, breaker, call } = start(() => Promise.resolve(new FakeExchange(status)));
    for (let i = 0; i < 20; i++) await call();
    expect(isMeshError(await call().catch((error: unknown) => error), 'INMESH_BREAKER_OPEN')).toBe(true);
    await clock.advance(5_000);
    status = 200;
    await call();
    expect(breaker.state).toBe('closed');
    await call();
  });

  it('lets exactly one of many waiting calls probe', async () => {
    let answered = 0;
    let status = 503;
    const { clock, call } = start(() => (answered++, Promise.resolve(new FakeExchange(status))));
    for (let i = 0; i < 20; i++) await call();
    await clock.advance(5_000);
    answered = 0;
    status = 200;
    const results = await Promise.allSettled(Array.from({ length: 50 }, () => call()));
    expect(answered).toBe(1);
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
  });
});
