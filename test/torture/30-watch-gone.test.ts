import { describe, expect, it } from 'vitest';
import { world } from '../discovery/kit.ts';
import { slice } from '../kit/apiserver.ts';

describe.each(['http', 'stream'] as const)('30 410-gone, told by %s', (gone) => {
  it.each([true, false])('lists once more and loses no endpoint meanwhile (lists streamed: %s)', async (streamed) => {
    const { api, watch, pass, wait, clock } = await world();
    api.streamsLists = streamed;
    api.gone = gone;
    api.apply(slice('a', ['10.0.0.1']), slice('b', ['10.0.0.2']));
    const orders = watch('k8s://shop/orders');
    await pass(() => orders.addresses.length === 2 && api.watchers.size === 1);
    await wait(1_100, 100);
    api.drop('cut');
    // What happens now, nobody sees: a slice goes, one changes, one comes.
    api.remove('b');
    api.apply(slice('a', ['10.0.0.1', '10.0.0.3']), slice('c', ['10.0.0.4']));
    api.compact();
    const before = api.asked.length;
    const since = clock.now();
    await pass(() => orders.addresses.includes('10.0.0.4:80'), 50);
    await wait(2_000, 100);
    expect(orders.addresses.toSorted()).toEqual(['10.0.0.1:80', '10.0.0.3:80', '10.0.0.4:80']);
    expect(orders.seen.every(({ endpoints, state }) => endpoints.length >= 2 && state === 'fresh')).toBe(true);
    const lists = api.asked
      .slice(before)
      .filter(({ verb, query }) => verb === 'list' || query.has('sendInitialEvents'));
    expect(lists).toHaveLength(1);
    expect(clock.now() - since).toBeLessThan(16_000);
  });

  it('lists at most once per back-off while every version is gone at once', async () => {
    const { api, watch, pass, wait } = await world();
    api.gone = gone;
    api.apply(slice('a', ['10.0.0.1']));
    const orders = watch('k8s://shop/orders');
    await pass(() => orders.addresses.length === 1);
    api.intercept = ({ verb }) => {
      if (verb === 'watch') api.compact();
      else api.apply(slice('x', ['10.9.9.9'], { service: 'users' }));
      return false;
    };
    // The version of each list is gone by the time it is watched.
    const apply = api.compact.bind(api);
    api.compact = () => {
      api.apply(slice('x', ['10.9.9.9'], { service: 'users' }));
      apply();
    };
    api.drop('cut');
    const before = api.count('list');
    await wait(120_000, 250);
    const lists = api.count('list') - before;
    expect(lists).toBeGreaterThan(2);
    expect(lists).toBeLessThanOrEqual(24);
    expect(orders.addresses).toEqual(['10.0.0.1:80']);
  });
});
