import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { Cluster } from '../../src/discovery/kubernetes/cluster.ts';
import { accessTo, resolverTo, world } from '../discovery/kit.ts';
import { watching } from '../resolver/kit.ts';
import { slice } from '../kit/apiserver.ts';

it('33 watch-hang: a watch without events and bookmarks is given up after 150 s and goes on from its version', async () => {
  const { api, watch, pass, wait, clock } = await world();
  api.apply(slice('a', ['10.0.0.1']));
  const orders = watch('k8s://shop/orders');
  await pass(() => orders.addresses.length === 1 && api.watchers.size === 1);
  api.mute = true;
  api.apply(slice('b', ['10.0.0.2']));
  await wait(5_000, 500);
  expect(orders.addresses).toHaveLength(1);
  const before = api.asked.length;
  const since = clock.now();
  await pass(() => api.asked.length > before, 500);
  expect(clock.now() - since).toBeLessThan(152_000);
  api.mute = false;
  api.drop('cut');
  await pass(() => orders.addresses.length === 2, 100);
  expect(api.asked.slice(before).every(({ verb, query }) => verb === 'watch' && query.has('resourceVersion'))).toBe(
    true,
  );
  expect(orders.seen.every(({ endpoints }) => endpoints.length > 0)).toBe(true);
});

it('33 bookmarks keep a quiet watch alive for the time that it asked for', async () => {
  const { api, watch, pass, wait } = await world();
  api.apply(slice('a', ['10.0.0.1']));
  const orders = watch('k8s://shop/orders');
  await pass(() => api.watchers.size === 1);
  const asked = api.asked.at(-1)!;
  const seconds = Number(asked.query.get('timeoutSeconds'));
  expect(seconds).toBeGreaterThanOrEqual(300);
  expect(seconds).toBeLessThan(600);
  for (let minute = 0; minute < 4; minute++) {
    await wait(60_000, 5_000);
    api.bookmark();
  }
  expect(api.count('watch')).toBe(2);
  // The server forgets to end it.
  for (let passed = 240; passed <= seconds + 16; passed += 30) {
    await wait(30_000, 5_000);
    api.bookmark();
  }
  await pass(() => api.count('watch') === 3, 100);
  expect(orders.seen.every(({ state }) => state === 'fresh')).toBe(true);
});

/** Passes bytes on until told to swallow them: the other side's host is gone, and TCP has not noticed. */
async function proxyTo(port: number): Promise<{ url: string; swallow: (on: boolean) => void }> {
  let swallowing = false;
  const sockets = new Set<Socket>();
  const server: Server = createServer((down) => {
    const up = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [down, up],
      [up, down],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes) => swallowing || to.write(bytes));
      from.on('error', () => {});
      from.on('close', () => swallowing || to.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port: own } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${own}`, swallow: (on) => (swallowing = on) };
}

it('33 watch-half-open: noticed, stale while it lasts, and gone on from the last version when the way is free', async () => {
  const { api, pass, wait, clock, env } = await world();
  api.apply(slice('a', ['10.0.0.1']));
  const proxy = await proxyTo(api.port);
  const cluster = new Cluster(
    accessTo(() => proxy.url),
    env,
  );
  const orders = watching(resolverTo(cluster, 'k8s://shop/orders', env));
  onTestFinished(() => orders.stop());
  await pass(() => orders.addresses.length === 1 && api.watchers.size === 1);
  proxy.swallow(true);
  const since = clock.now();
  await pass(() => orders.last?.state === 'stale', 500);
  expect(clock.now() - since).toBeLessThan(170_000);
  expect(orders.addresses).toEqual(['10.0.0.1:80']);
  api.apply(slice('b', ['10.0.0.2']));
  await wait(1_000, 100);
  proxy.swallow(false);
  const before = api.asked.length;
  await pass(() => orders.addresses.length === 2, 100);
  expect(orders.last?.state).toBe('fresh');
  expect(api.asked.slice(before).every(({ verb }) => verb === 'watch')).toBe(true);
});
