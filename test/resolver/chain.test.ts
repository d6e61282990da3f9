import { describe, expect, it } from 'vitest';
import { createResolver } from '../../src/resolver/index.ts';
import { ManualResolver } from '../../src/testing/manual-resolver.ts';
import { manualEnv, watching, type Watching } from './kit.ts';
import type { ManualClock } from '../../src/testing/manual-clock.ts';

interface Chained {
  clock: ManualClock;
  first: ManualResolver;
  second: ManualResolver;
  watch: Watching;
}

function chained(): Chained {
  const { clock, env } = manualEnv();
  const first = new ManualResolver(undefined, 'manual://first');
  const second = new ManualResolver(undefined, 'manual://second');
  return { clock, first, second, watch: watching(createResolver([first, second], env)) };
}

describe('a chain of sources', () => {
  it('uses the first alone while it has endpoints, and does not even watch the second', async () => {
    const { clock, first, second, watch } = chained();
    first.set(['10.0.0.1:80']);
    await clock.advance(60_000);
    expect(watch.addresses).toEqual(['10.0.0.1:80']);
    expect(second.watchers).toBe(0);
    first.fail(new Error('down'));
    await clock.advance(60_000);
    expect(watch.last).toMatchObject({ state: 'stale', error: { message: 'down' } });
    expect(second.watchers).toBe(0);
  });

  it('turns to the second when the first has none, and back when the first recovers', async () => {
    const { clock, first, second, watch } = chained();
    first.fail(new Error('down'));
    second.set(['10.0.0.2:80']);
    await clock.advance(0);
    expect(watch.addresses).toEqual(['10.0.0.2:80']);
    first.set(['10.0.0.1:80']);
    expect(watch.addresses).toEqual(['10.0.0.1:80']);
    expect(second.watchers).toBe(0);
    first.empty();
    await clock.advance(0);
    expect(watch.addresses).toEqual(['10.0.0.2:80']);
    expect(watch.seen.map(({ version }) => version)).toEqual([1, 2, 3]);
  });

  it('waits a second for a silent source, no longer', async () => {
    const { clock, first, second, watch } = chained();
    second.set(['10.0.0.2:80']);
    await clock.advance(999);
    expect(watch.seen).toEqual([]);
    await clock.advance(1);
    expect(watch.addresses).toEqual(['10.0.0.2:80']);
    expect(first.watchers).toBe(1);
    first.set(['10.0.0.1:80']);
    expect(watch.addresses).toEqual(['10.0.0.1:80']);
  });

  it('fails only when all have failed, with the word of each', async () => {
    const { clock, first, second, watch } = chained();
    first.fail(new Error('first is down'));
    await clock.advance(0);
    expect(watch.seen).toEqual([]);
    second.fail(new Error('second is down'));
    expect(watch.last?.state).toBe('error');
    expect(watch.last?.error?.message).toContain('first is down');
    expect(watch.last?.error?.message).toContain('second is down');
    second.set(['10.0.0.2:80']);
    expect(watch.last).toMatchObject({ state: 'fresh', endpoints: [{ address: '10.0.0.2:80' }] });
  });

  it('is empty when none fails to answer and none has an endpoint', async () => {
    const { clock, first, second, watch } = chained();
    first.empty();
    await clock.advance(0);
    second.empty();
    expect(watch.last).toMatchObject({ state: 'empty', endpoints: [] });
  });

  it('passes refresh on to those it watches, and lets go of all at stop', async () => {
    const { clock, env } = manualEnv();
    const [first, second] = [new ManualResolver(), new ManualResolver()];
    const chain = createResolver([first, second], env);
    const watch = watching(chain);
    first.fail(new Error('down'));
    await clock.advance(0);
    chain.refresh?.();
    expect([first.refreshes, second.refreshes]).toEqual([1, 1]);
    watch.stop();
    second.set(['10.0.0.2:80']);
    await clock.advance(5_000);
    expect([first.watchers, second.watchers, clock.pending, watch.seen.length]).toEqual([0, 0, 0, 0]);
  });
});
