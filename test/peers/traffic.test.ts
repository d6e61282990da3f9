import { afterEach, expect, it } from 'vitest';
import { createMesh } from '../../src/index.ts';
import { type Backend, startBackend } from './kit/backend.ts';
import { type Knot, startKnot } from './kit/knot.ts';
import { load, sleep } from './kit/load.ts';
import { until } from './kit/peer.ts';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function shop(): Promise<{
  knot: Knot;
  backends: [Backend, Backend, Backend];
  mesh: ReturnType<typeof createMesh>;
}> {
  const first = await startBackend('127.0.0.2');
  const backends: [Backend, Backend, Backend] = [
    first,
    await startBackend('127.0.0.3', first.port),
    await startBackend('127.0.0.4', first.port),
  ];
  const knot = await startKnot({ 'mesh.test': ['orders 1 A 127.0.0.2', 'orders 1 A 127.0.0.3'] });
  const target = `dns://orders.mesh.test:${first.port}?server=${knot.server}`;
  const mesh = createMesh({ services: { orders: target } });
  cleanups.push(
    ...backends.map(({ stop }) => stop),
    () => knot.stop(),
    () => mesh.destroy(),
  );
  return { knot, backends, mesh };
}

it('follows a zone that changes under traffic: newcomers get requests, leavers none, and none fails', async () => {
  const { knot, backends, mesh } = await shop();
  const [leaver, , newcomer] = backends;
  const endpoints = (): string[] =>
    mesh
      .service('orders')
      .endpoints()
      .map(({ address }) => address)
      .toSorted();
  let atLeave = 0;
  const change = async (): Promise<void> => {
    await sleep(500);
    expect(newcomer.requests).toBe(0);
    await knot.update('mesh.test', 'add orders 1 A 127.0.0.4');
    await until(() => newcomer.requests > 20, 'the newcomer to get requests');
    await knot.update('mesh.test', 'delete orders A 127.0.0.2');
    await until(() => !endpoints().includes(leaver.address), 'the leaver to be forgotten');
    await sleep(200);
    atLeave = leaver.requests;
    await sleep(500);
  };
  const { failures, sent } = await load(mesh.fetch, 'http://orders/', 200, change());
  expect(failures).toEqual({});
  expect(sent).toBeGreaterThan(200);
  expect(leaver.requests).toBe(atLeave);
  expect(endpoints()).toEqual(backends.slice(1).map(({ address }) => address));
});

it('serves on while the name server is away, and while it says SERVFAIL', async () => {
  const { knot, backends, mesh } = await shop();
  const outage = async (): Promise<void> => {
    await sleep(300);
    await knot.halt();
    await sleep(2_500);
    await knot.start();
    await sleep(500);
    await knot.expire('mesh.test');
    await sleep(2_500);
    await knot.reload();
  };
  const { failures, answers } = await load(mesh.fetch, 'http://orders/', 100, outage());
  expect(failures).toEqual({});
  expect(answers.size).toBe(2);
  expect(backends[2].requests).toBe(0);
});
