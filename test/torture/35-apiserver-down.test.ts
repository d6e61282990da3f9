import { describe, expect, it, onTestFinished } from 'vitest';
import { createEnv } from '../../src/core/env.ts';
import { seededRandom } from '../../src/core/random.ts';
import { silentLogger } from '../../src/core/log.ts';
import { Cluster } from '../../src/discovery/kubernetes/cluster.ts';
import { chainResolver } from '../../src/resolver/chain.ts';
import { createResolver } from '../../src/resolver/index.ts';
import { accessTo, resolverTo, world } from '../discovery/kit.ts';
import { ApiServer, slice } from '../kit/apiserver.ts';
import { kindOf, watching } from '../resolver/kit.ts';

describe('35 apiserver-down', () => {
  it('at start: said at once, nothing crashes, and it heals by itself', async () => {
    const { api, watch, pass, wait } = await world();
    const { port } = api;
    api.apply(slice('a', ['10.0.0.1']));
    await api.close();
    const orders = watch('k8s://shop/orders');
    await pass(() => orders.last !== undefined);
    expect(orders.last).toMatchObject({ state: 'error', endpoints: [] });
    expect(kindOf(orders.last)).toBe('UNREACHABLE');
    expect(orders.last!.error!.message).toContain(`http://127.0.0.1:${port} cannot be reached`);
    await wait(60_000, 250);
    await api.listen(port);
    await pass(() => orders.last?.state === 'fresh', 100);
    expect(orders.addresses).toEqual(['10.0.0.1:80']);
  });

  it('at start, with a fall-back: the chain serves, and leaves it when the API server is there', async () => {
    const { api, pass, env, cluster, wait } = await world();
    const { port } = api;
    api.apply(slice('a', ['10.0.0.1']));
    await api.close();
    const links = [resolverTo(cluster, 'k8s://shop/orders', env), createResolver('static://10.9.9.9:80', env)];
    const orders = watching(chainResolver('both', links, env));
    onTestFinished(() => orders.stop());
    await pass(() => orders.addresses.length === 1);
    expect(orders.addresses).toEqual(['10.9.9.9:80']);
    await wait(10_000, 250);
    await api.listen(port);
    await pass(() => orders.addresses[0] === '10.0.0.1:80', 100);
    expect(orders.last?.state).toBe('fresh');
  });

  it('later, for 10 minutes: the last good endpoints serve; then it goes on', async () => {
    const { api, watch, pass, wait } = await world();
    const { port } = api;
    api.apply(slice('a', ['10.0.0.1', '10.0.0.2']));
    const orders = watch('k8s://shop/orders');
    await pass(() => orders.addresses.length === 2 && api.watchers.size === 1);
    await api.close();
    await pass(() => orders.last?.state === 'stale', 100);
    await wait(600_000, 1_000);
    expect(orders.addresses).toEqual(['10.0.0.1:80', '10.0.0.2:80']);
    expect(orders.last?.state).toBe('stale');
    api.apply(slice('a', ['10.0.0.2']));
    await api.listen(port);
    await pass(() => orders.addresses.length === 1, 100);
    expect(orders.last?.state).toBe('fresh');
    expect(orders.seen.every(({ endpoints }) => endpoints.length > 0)).toBe(true);
  });

  it('a Service that is not there, and one that has no ready pod, are told apart; a chain goes on', async () => {
    const { api, watch, pass, env, cluster } = await world();
    const absent = watch('k8s://shop/orders');
    await pass(() => absent.last !== undefined);
    expect(absent.last).toMatchObject({ state: 'empty', endpoints: [] });
    expect(kindOf(absent.last)).toBe('NO_SERVICE');
    const links = [resolverTo(cluster, 'k8s://shop/orders', env), createResolver('static://10.9.9.9:80', env)];
    const chain = watching(chainResolver('both', links, env));
    onTestFinished(() => chain.stop());
    await pass(() => chain.addresses.length === 1);
    await pass(() => api.watchers.size === 1);
    api.apply(slice('a', [{ addresses: ['10.0.0.1'], conditions: { ready: false } }]));
    await pass(() => kindOf(absent.last) === 'NOT_READY');
    api.apply(slice('a', ['10.0.0.1']));
    await pass(() => absent.last?.state === 'fresh' && chain.addresses[0] === '10.0.0.1:80');
    // All unready at once is doubted for 30 s, as every empty answer is.
    api.apply(slice('a', [{ addresses: ['10.0.0.1'], conditions: { ready: false } }]));
    await pass(() => absent.last?.state === 'stale');
    expect(absent.addresses).toEqual(['10.0.0.1:80']);
    await pass(() => absent.last?.state === 'empty', 500);
    expect(chain.addresses).toEqual(['10.9.9.9:80']);
  });
});

describe('35 a hundred clients that come back together', () => {
  /** A hundred clients on one clock, each with its own chance; `then` makes them all lose the server. */
  async function herd(
    streamed: boolean,
  ): Promise<{ api: ApiServer } & Awaited<ReturnType<typeof world>> & { stop: () => void; fresh: () => number }> {
    const one = await world();
    const { url } = one.api;
    one.api.streamsLists = streamed;
    one.api.apply(slice('a', ['10.0.0.1']));
    const clients = Array.from({ length: 100 }, (_, index) => {
      const env = createEnv({ clock: one.clock, random: seededRandom(index + 1), log: silentLogger });
      const cluster = new Cluster(
        accessTo(() => url),
        env,
      );
      return watching(resolverTo(cluster, 'k8s://shop/orders', env));
    });
    const stop = (): void => clients.forEach((client) => client.stop());
    onTestFinished(stop);
    return { ...one, stop, fresh: () => clients.filter(({ last }) => last?.state === 'fresh').length };
  }

  /** When lists were asked for; a request to begin a watch with one that the server does not do is none. */
  function lists({ asked, streamsLists }: ApiServer, from = 0): number[] {
    const isList = ({ verb, query }: ApiServer['asked'][number]): boolean =>
      verb === 'list' || (streamsLists && query.has('sendInitialEvents'));
    return asked
      .slice(from)
      .filter(isList)
      .map(({ at }) => at);
  }

  /** The most in any second, on the clock of the clients. */
  function peak(at: readonly number[]): number {
    const within = (start: number): number => at.filter((time) => time >= start && time < start + 1_000).length;
    return Math.max(0, ...at.map(within));
  }

  it.each([true, false])(
    'ask for at most 20 lists a second after the server has lost its history (lists streamed: %s)',
    async (streamed) => {
      const { api, pass, fresh } = await herd(streamed);
      await pass(() => fresh() === 100 && api.watchers.size === 100, 20);
      const before = api.asked.length;
      api.apply(slice('b', ['10.0.0.2']));
      api.compact();
      api.drop('cut');
      api.apply(slice('c', ['10.0.0.3']));
      api.compact();
      await pass(() => api.watchers.size === 100, 100);
      const since = lists(api, before);
      expect(since).toHaveLength(100);
      expect(peak(since)).toBeLessThanOrEqual(20);
    },
  );

  it.each([3_000, 120_000])(
    'ask for at most 20 lists a second when the server was down at their start, for %i ms',
    async (down) => {
      const { clock, api, pass, wait, fresh } = await herd(false);
      const { port } = api;
      await api.close();
      await wait(down, 100);
      const up = await ApiServer.start({ port, now: () => clock.now() });
      onTestFinished(() => up.close());
      up.apply(slice('a', ['10.0.0.1']));
      await pass(() => fresh() === 100, 100);
      expect(peak(lists(up))).toBeLessThanOrEqual(20);
    },
  );
});
