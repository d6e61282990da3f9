import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../kit/peer.ts';
import type { Watch } from '../kit/watch.ts';
import { type Client, newClient } from './kit/client.ts';
import { follow, gaps } from './kit/follow.ts';
import { type Gate, openGate } from './kit/gate.ts';
import { type Pod, Pods } from './kit/pods.ts';
import { type ApiServer, startApiServer } from './kit/server.ts';

/** How long a list may wait after an outage: a last pause and the spread, 30 s each. */
const LONGEST = 65_000;

// The second answers from etcd itself, and as API servers do that are older than 1.34.
describe.each([
  ['that streams lists', [], 'streamed'],
  [
    'that does neither stream lists nor cache watches',
    ['--watch-cache-sizes=endpointslices.discovery.k8s.io#0', '--feature-gates=WatchList=false'],
    'paged',
  ],
] as const)('an API server %s', { timeout: 120_000 }, (_name, args, lists) => {
  let api: ApiServer;
  let gate: Gate;
  let client: Client;
  let pods: Pods;
  let watch: Watch | undefined;
  let count = 0;

  const started = async (service: string): Promise<Watch> => {
    const account = `front-${++count}`;
    client = await newClient(api, 'shop', account, gate.url);
    await api.admin.allow('shop', account);
    return (watch = follow(`k8s://shop/${service}:http`, client.options));
  };
  /** Lists of either kind, as the API server has seen them. */
  const listings = async (): Promise<number> =>
    (await api.asked(client.user)).filter(({ verb, query, status }) => {
      return status === 200 && (lists === 'paged' ? verb === 'list' : query.has('sendInitialEvents'));
    }).length;
  const cut = async (meanwhile: () => Promise<unknown>): Promise<void> => {
    await gate.close();
    await meanwhile();
    await gate.open();
  };

  beforeAll(async () => {
    api = await startApiServer(...args);
    gate = await openGate(api.port);
    await api.admin.addNamespace('shop');
    pods = new Pods(api.admin, 'shop', 'orders');
    for (let index = 0; index < 3; index++) await pods.add();
  });
  afterEach(() => watch?.stop());
  afterAll(async () => {
    await pods?.stop();
    await gate?.close();
    await api?.stop();
  });

  it('tells of 600 slices in full, and of what changes in them', async () => {
    const many = new Pods(api.admin, 'shop', 'many');
    const list = await many.pretend(600);
    const all = await started('many');
    await until(() => all.addresses().length === 600, 'all slices to be known');
    expect(all.snapshots).toHaveLength(1);
    expect(await listings()).toBe(lists === 'paged' ? 3 : 1);
    for (const pod of list.slice(0, 10)) await many.conceal(pod);
    const rest = list.slice(10).map(({ address }) => address);
    await all.untilAddresses(...rest);
  });

  it('a watch that was cut goes on where it was, and lists nothing again', async () => {
    const orders = await started('orders');
    await orders.untilAddresses(...pods.addresses);
    await cut(() => pods.add());
    await orders.untilAddresses(...pods.addresses);
    expect(await listings()).toBe(1);
  });

  it('a watch whose place etcd has forgotten lists again, and no endpoint is missing meanwhile', async () => {
    const orders = await started('orders');
    await orders.untilAddresses(...pods.addresses);
    const kept = pods.addresses;
    const place = await api.admin.sliceVersion('shop');
    const from = orders.snapshots.length;
    let newcomer: Pod | undefined;
    await cut(async () => {
      newcomer = await pods.add();
      // What is compacted is what comes before the last change.
      await pods.add();
      if (lists === 'streamed') {
        // Its cache outlives what etcd has forgotten, until it restarts.
        await api.halt();
        await api.start();
      }
      await api.compact();
    });
    expect(await api.admin.watchStatus('shop', place)).toBe(410);
    await until(() => orders.addresses().includes(newcomer!.address), 'the newcomer to be known', LONGEST);
    expect(orders.addresses()).toEqual(pods.addresses);
    expect(gaps(orders, from, kept)).toEqual([]);
    expect(await listings()).toBe(2);
  });
});
