import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { ManualResolver } from '../../src/testing/index.ts';

function watching(resolver: ManualResolver): { seen: Snapshot[]; stop: () => void } {
  const seen: Snapshot[] = [];
  return { seen, stop: resolver.watch((snapshot) => seen.push(snapshot)) };
}

describe('ManualResolver', () => {
  it('tells nothing until there is something to tell', async () => {
    const resolver = new ManualResolver();
    const { seen } = watching(resolver);
    await Promise.resolve();
    expect(seen).toEqual([]);
    resolver.set(['10.0.0.1:80', { address: '10.0.0.2:80', weight: 3 }]);
    expect(seen).toEqual([
      { endpoints: [{ address: '10.0.0.1:80' }, { address: '10.0.0.2:80', weight: 3 }], state: 'fresh', version: 1 },
    ]);
  });

  it('tells who comes later the newest snapshot, once, and not in the turn of watch', async () => {
    const resolver = new ManualResolver(['10.0.0.1:80']);
    const { seen } = watching(resolver);
    expect(seen).toEqual([]);
    resolver.set(['10.0.0.2:80']);
    await Promise.resolve();
    expect(seen.map((snapshot) => snapshot.version)).toEqual([2]);
  });

  it('keeps the last good endpoints when it fails, and says error where there never were any', () => {
    const resolver = new ManualResolver();
    const { seen } = watching(resolver);
    const error = new Error('registry down');
    resolver.fail(error);
    resolver.set(['10.0.0.1:80']);
    resolver.fail(error);
    resolver.empty();
    expect(seen.map(({ state, endpoints }) => [state, endpoints.length])).toEqual([
      ['error', 0],
      ['fresh', 1],
      ['stale', 1],
      ['empty', 0],
    ]);
    expect(seen[2]!.error).toBe(error);
  });

  it('tells nothing more after stop, even what was on its way', async () => {
    const resolver = new ManualResolver(['10.0.0.1:80']);
    const { seen, stop } = watching(resolver);
    stop();
    resolver.set(['10.0.0.2:80']);
    await Promise.resolve();
    expect(seen).toEqual([]);
    expect(resolver.watchers).toBe(0);
  });

  it('counts how often it was asked to look again', () => {
    const resolver = new ManualResolver();
    resolver.refresh();
    expect(resolver.refreshes).toBe(1);
  });
});
