import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMesh } from '../../../src/index.ts';
import { load, sleep } from '../kit/load.ts';
import { until } from '../kit/peer.ts';
import { type Client, newClient } from './kit/client.ts';
import { follow, gaps } from './kit/follow.ts';
import { Pods } from './kit/pods.ts';
import { type ApiServer, startApiServer } from './kit/server.ts';

/** Requests a second. */
const RATE = 100;

/** How long a list may wait after an outage: a last pause and the spread, 30 s each. */
const LONGEST = 65_000;

describe('k8s:// under constant traffic', { timeout: 160_000 }, () => {
  let api: ApiServer;
  let client: Client;
  let pods: Pods;
  let service: string;
  let mesh: ReturnType<typeof createMesh>;
  let tests = 0;

  beforeAll(async () => {
    api = await startApiServer();
    client = await newClient(api, 'shop', 'front');
    await api.admin.allow('shop', 'front');
  });
  afterAll(() => api?.stop());

  beforeEach(() => {
    service = `orders-${++tests}`;
    pods = new Pods(api.admin, 'shop', service);
    mesh = createMesh({ services: { orders: `k8s://shop/${service}:http` }, kubernetes: client.options });
  });
  afterEach(async () => {
    await mesh.destroy();
    await pods.stop();
  });

  const known = (): string[] =>
    mesh
      .service('orders')
      .endpoints()
      .map(({ address }) => address)
      .toSorted();
  /** Waits until the mesh knows the pods that there are, and no others. */
  const settled = (patience?: number): Promise<void> =>
    until(() => known().join() === pods.addresses.join(), 'the mesh to know what is there', patience);
  /** What came of constant traffic during `meanwhile`. */
  const traffic = async (meanwhile: () => Promise<unknown>): Promise<{ enough: boolean; failures: object }> => {
    const { sent, failures } = await load(mesh.fetch, 'http://orders/', RATE, meanwhile());
    return { enough: sent > RATE, failures };
  };
  const good = { enough: true, failures: {} };

  it('a Service is scaled out, rolled and scaled in, and no request fails', async () => {
    const first = [await pods.add(), await pods.add()];
    const outcome = await traffic(async () => {
      await sleep(300);
      for (let count = 0; count < 3; count++) await pods.add();
      await settled();
      const old = [...pods.all];
      await until(() => old.every(({ requests }) => requests > 0), 'every pod to get requests');
      // One more before one less, as a Deployment rolls by default.
      for (const pod of old) {
        const newcomer = await pods.add();
        await pods.remove(pod);
        await until(() => newcomer.requests > 0, 'the newcomer to get requests');
      }
      await settled();
      for (const pod of [...pods.all].slice(2)) await pods.remove(pod);
      await settled();
      await sleep(300);
    });
    expect(outcome).toEqual(good);
    expect(pods.all.size).toBe(2);
    expect(first.every(({ address }) => !known().includes(address))).toBe(true);
  });

  it('pods end at the very moment at which they are marked as terminating, and no request fails', async () => {
    for (let count = 0; count < 4; count++) await pods.add();
    const outcome = await traffic(async () => {
      for (let turn = 0; turn < 6; turn++) {
        await sleep(250);
        const [oldest] = pods.all;
        await pods.add();
        await pods.remove(oldest!, 0);
      }
      await settled();
    });
    expect(outcome).toEqual(good);
  });

  it('a pod dies without a word, and another later; no request fails', async () => {
    for (let count = 0; count < 4; count++) await pods.add();
    const outcome = await traffic(async () => {
      for (let turn = 0; turn < 2; turn++) {
        await sleep(1_000);
        const [oldest] = pods.all;
        await pods.crash(oldest!);
        await settled();
      }
      await sleep(300);
    });
    expect(outcome).toEqual(good);
  });

  it('a Service whose only pods are terminating is served by them until they are gone', async () => {
    const last = await pods.add();
    const outcome = await traffic(async () => {
      await sleep(300);
      const leaving = pods.remove(last, 1_500);
      await sleep(1_000);
      expect(known()).toEqual([last.address]);
      await pods.add();
      await leaving;
      await settled();
    });
    expect(outcome).toEqual(good);
  });

  it('a slice that is deleted and made anew at once takes no endpoint away', async () => {
    const [pod] = [await pods.add(), await pods.add()];
    const told = follow(`k8s://shop/${service}:http`, client.options);
    await told.untilAddresses(...pods.addresses);
    const outcome = await traffic(async () => {
      for (let turn = 0; turn < 5; turn++) {
        await sleep(300);
        await pods.conceal(pod);
        await sleep(200);
        await pods.announce(pod);
      }
      await sleep(300);
    });
    told.stop();
    expect(outcome).toEqual(good);
    expect(gaps(told, 0, pods.addresses)).toEqual([]);
  });

  it('a Service that comes into being late is served as soon as it is there', async () => {
    const early = mesh.fetch('http://orders/');
    await expect(early).rejects.toThrow(/orders|fetch failed/);
    expect(mesh.service('orders').snapshot().error).toMatch(new RegExp(`no EndpointSlice of shop/${service}`));
    const pod = await pods.add();
    await settled();
    expect(await (await mesh.fetch('http://orders/')).text()).toBe(pod.slice);
  });

  describe('in zone a', () => {
    beforeAll(() => void (process.env['INMESH_ZONE'] = 'a'));
    afterAll(() => void delete process.env['INMESH_ZONE']);

    it('only pods with a hint for it get requests, until one lacks its hint or none of them lives', async () => {
      const near = await pods.add({ zone: 'a', forZone: 'a' });
      const far = await pods.add({ zone: 'b', forZone: 'b' });
      const outcome = await traffic(async () => {
        await until(() => known().length === 2 && near.requests > 50, 'the near pod to get requests');
        expect(far.requests).toBe(0);
        await pods.hint(far, undefined);
        await until(() => far.requests > 20, 'the far pod to get requests without hints');
        await pods.hint(far, 'b');
        const endpoint = (): number | undefined =>
          mesh
            .service('orders')
            .endpoints()
            .find(({ address }) => address === far.address)?.priority;
        await until(() => endpoint() === 1, 'hints to count again');
        await sleep(200);
        const before = far.requests;
        await sleep(1_000);
        expect(far.requests).toBe(before);
        await pods.crash(near, 1_500);
        await until(() => far.requests > before + 50, 'the far pod to take over');
      });
      expect(outcome).toEqual(good);
    });
  });

  it('the API server restarts twice, once without a word, and what changed meanwhile arrives; no request fails', async () => {
    for (let count = 0; count < 3; count++) await pods.add();
    const outcome = await traffic(async () => {
      await sleep(300);
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        await api.halt(signal);
        await api.start();
        const [oldest] = pods.all;
        await pods.add();
        await pods.remove(oldest!);
        await settled(LONGEST);
      }
    });
    expect(outcome).toEqual(good);
  });

  it('the API server is gone for a minute and a pod dies meanwhile; the last good endpoints serve, no request fails', async () => {
    const mortal = await pods.add();
    for (let count = 0; count < 3; count++) await pods.add();
    const outcome = await traffic(async () => {
      await sleep(500);
      const before = known();
      await api.halt('SIGKILL');
      await sleep(10_000);
      mortal.server.close();
      mortal.server.closeAllConnections();
      await sleep(50_000);
      expect(known()).toEqual(before);
      expect(mesh.service('orders').snapshot().state).toBe('stale');
      await api.start();
      await pods.crash(mortal, 0);
      await pods.add();
      await settled(LONGEST);
      expect(mesh.service('orders').snapshot().state).toBe('fresh');
    });
    expect(outcome).toEqual(good);
  }, 200_000);
});
