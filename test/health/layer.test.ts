import { describe, expect, it } from 'vitest';
import { MeshError } from '../../src/core/errors.ts';
import { outlierLayer } from '../../src/health/index.ts';
import type { Exchange } from '../../src/model/exchange.ts';
import { outcomeOfError } from '../../src/model/outcome.ts';
import { fakeCall, FakeExchange } from '../kit/fakes.ts';
import { ok, refused, start } from './fixture.ts';

const brokenOff = outcomeOfError(new MeshError('INMESH_RESET', 'reset in the body'), 1);

function through(answer: () => Promise<Exchange>) {
  const all = start(2);
  const service = outlierLayer(all.detector)(answer);
  return { ...all, call: () => service(fakeCall({ endpoint: all.first })) };
}

describe('outlier layer', () => {
  it('counts rejections and hands them on', async () => {
    const error = new MeshError('INMESH_CONNECT_FAILED', 'connection refused');
    const { call, states } = through(() => Promise.reject(error));
    for (let i = 0; i < 5; i++) await expect(call()).rejects.toBe(error);
    expect(states()).toBe('x.');
  });

  it('does not count rejections for which the endpoint is not to blame', async () => {
    const { call, first } = through(() => Promise.reject(new MeshError('INMESH_TLS', 'wrong certificate')));
    for (let i = 0; i < 50; i++) await expect(call()).rejects.toThrow('wrong certificate');
    expect(first.state).toBe('healthy');
  });

  it('counts an error status at its head, without waiting for the body, and never twice', async () => {
    const exchanges: FakeExchange[] = [];
    const { call, first } = through(() => {
      exchanges.push(new FakeExchange(503));
      return Promise.resolve(exchanges.at(-1)!);
    });
    for (let i = 0; i < 4; i++) await call();
    for (const exchange of exchanges) exchange.end(brokenOff);
    expect(first.health?.streak).toBe(4);
    expect(first.state).toBe('healthy');
    await call();
    expect(first.state).toBe('ejected');
  });

  it('counts a body that breaks off as one failure, after a head that was good (rst-after-headers)', async () => {
    const exchange = new FakeExchange(200);
    const { call, first } = through(() => Promise.resolve(exchange));
    await call();
    exchange.end(brokenOff);
    exchange.end(brokenOff);
    expect(first.health?.streak).toBe(1);
  });

  it('ejects an endpoint whose heads are good and whose bodies always break off, once there is volume', async () => {
    const { call, tell, second, states } = through(() => {
      const exchange = new FakeExchange(200);
      queueMicrotask(() => exchange.end(brokenOff));
      return Promise.resolve(exchange);
    });
    tell(second, ok, 40);
    for (let i = 0; i < 9; i++) await call();
    expect(states()).toBe('..');
    await call();
    await Promise.resolve();
    expect(states()).toBe('x.');
  });

  it('ends a streak with a good head, however long its body takes', async () => {
    const { call, first, tell } = through(() => Promise.resolve(new FakeExchange(200)));
    tell(first, refused, 4);
    await call();
    tell(first, refused, 4);
    expect(first.state).toBe('healthy');
  });

  it('counts nothing when the caller gives up on the body', async () => {
    const exchange = new FakeExchange(200);
    const { call, first, detector } = through(() => Promise.resolve(exchange));
    await call();
    exchange.end({ kind: 'ignored', latency: 1 });
    expect(first.health?.streak ?? 0).toBe(0);
    expect(detector.eligible()).toContain(first);
  });

  it('brings an endpoint back with the head of its probe', async () => {
    const { call, clock, detector, first, tell } = through(() => Promise.resolve(new FakeExchange(200)));
    tell(first, refused, 5);
    await clock.advance(5_000);
    expect(detector.takeProbe(clock.now())).toBe(first);
    await call();
    expect(first.state).toBe('healthy');
  });

  it('lets calls without an endpoint pass', async () => {
    const { detector } = start(2);
    const exchange = new FakeExchange(503);
    expect(await outlierLayer(detector)(() => Promise.resolve(exchange))(fakeCall())).toBe(exchange);
  });
});
