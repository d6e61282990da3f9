import { describe, expect, it } from 'vitest';
import { slice } from '../kit/apiserver.ts';
import { world } from './kit.ts';

describe.each([true, false])('where lists are streamed: %s', (streamed) => {
  it('tells of what is there, and of every change', async () => {
    const { api, watch, pass } = await world();
    api.streamsLists = streamed;
    api.apply(slice('a', ['10.0.0.1', '10.0.0.2']));
    const orders = watch('k8s://shop/orders:http');
    await pass(() => orders.addresses.length === 2);
    expect(orders.last).toMatchObject({
      state: 'fresh',
      endpoints: [{ address: '10.0.0.1:80' }, { address: '10.0.0.2:80' }],
    });
    await pass(() => api.watchers.size === 1);
    api.apply(slice('b', ['10.0.0.3']));
    await pass(() => orders.addresses.length === 3);
    api.apply(slice('a', [{ addresses: ['10.0.0.1'], conditions: { ready: false } }, '10.0.0.2']));
    await pass(() => orders.addresses.length === 2);
    api.remove('b');
    await pass(() => orders.addresses.length === 1);
    expect(orders.addresses).toEqual(['10.0.0.2:80']);
    expect(api.count('list')).toBe(streamed ? 0 : 1);
    expect(orders.seen.map(({ state }) => state)).toEqual(Array(orders.seen.length).fill('fresh'));
  });

  it('goes on from the last version after a break, and lists no more', async () => {
    const { api, watch, pass } = await world();
    api.streamsLists = streamed;
    api.apply(slice('a', ['10.0.0.1']));
    const orders = watch('k8s://shop/orders');
    await pass(() => api.watchers.size === 1 && orders.addresses.length === 1);
    for (const how of ['end', 'cut'] as const) {
      const before = api.asked.length;
      api.drop(how);
      const added = slice(how, [how === 'end' ? '10.0.1.1' : '10.0.1.2']);
      api.apply(added);
      await pass(() => orders.addresses.length === (how === 'end' ? 2 : 3));
      expect(api.asked.slice(before).map(({ verb }) => verb)).toEqual(['watch']);
      expect(api.asked.at(-1)!.query.get('sendInitialEvents')).toBe(null);
      await pass(() => api.watchers.size === 1);
    }
    expect(orders.last?.state).toBe('fresh');
  });

  it('sends a version back as it came, bookmarks included', async () => {
    const { api, watch, pass, wait } = await world();
    api.streamsLists = streamed;
    api.apply(slice('a', ['10.0.0.1']));
    const orders = watch('k8s://shop/orders');
    await pass(() => api.watchers.size === 1 && orders.addresses.length === 1);
    // Changes that this watch does not see, then the bookmark that tells how far it has come.
    api.apply(slice('x', ['10.9.9.9'], { service: 'users' }));
    api.bookmark();
    await wait(50);
    api.compact();
    api.drop('end');
    await pass(() => api.watchers.size === 1);
    expect(api.asked.at(-1)!.query.get('resourceVersion')).toBe('v2001');
    expect(orders.last?.state).toBe('fresh');
  });
});

it('asks once whether lists are streamed, for all watches', async () => {
  const { api, watch, pass } = await world();
  api.apply(slice('a', ['10.0.0.1']), slice('b', ['10.0.0.2'], { service: 'users' }));
  const orders = watch('k8s://shop/orders');
  await pass(() => orders.addresses.length === 1);
  const users = watch('k8s://shop/users');
  await pass(() => users.addresses.length === 1);
  const tried = api.asked.filter(({ query }) => query.get('sendInitialEvents') === 'true');
  expect(tried).toHaveLength(1);
});

it('takes a server that begins no watch with a list, and does not say so, for one that must be listed', async () => {
  const { api, watch, pass, clock } = await world();
  api.apply(slice('a', ['10.0.0.1']));
  api.intercept = ({ query }, response) => {
    if (query.get('sendInitialEvents') !== 'true') return false;
    response.writeHead(200).flushHeaders();
    return true;
  };
  const orders = watch('k8s://shop/orders');
  const since = clock.now();
  await pass(() => orders.addresses.length === 1);
  expect(clock.now() - since).toBeLessThan(4_500);
});

it('reads a list page by page', async () => {
  const { api, watch, pass } = await world();
  for (let index = 0; index < 600; index++) api.apply(slice(`s${index}`, [`10.1.${index >> 8}.${index & 255}`]));
  const orders = watch('k8s://shop/orders');
  await pass(() => orders.last !== undefined);
  expect(orders.addresses).toHaveLength(600);
  expect(api.count('list')).toBe(3);
  expect(orders.seen).toHaveLength(1);
});

it('is one watch for all who want the same service, and ends with the last of them', async () => {
  const { api, watch, pass } = await world();
  api.apply(
    slice('a', ['10.0.0.1'], {
      ports: [
        { name: 'http', port: 80 },
        { name: 'admin', port: 81 },
      ],
    }),
  );
  const first = watch('k8s://shop/orders:http');
  await pass(() => first.addresses.length === 1);
  const second = watch('k8s://shop/orders:admin');
  await pass(() => second.addresses.length === 1);
  expect(second.addresses).toEqual(['10.0.0.1:81']);
  expect(api.count('list')).toBe(1);
  await pass(() => api.watchers.size === 1);
  first.stop();
  api.apply(
    slice('b', ['10.0.0.2'], {
      ports: [
        { name: 'http', port: 80 },
        { name: 'admin', port: 81 },
      ],
    }),
  );
  await pass(() => second.addresses.length === 2);
  expect(first.addresses).toHaveLength(1);
  second.stop();
  await pass(() => api.watchers.size === 0);
});

it('watches 8 services one by one, and the whole namespace with one request more when there are 9', async () => {
  const { api, watch, pass } = await world();
  for (let index = 0; index < 12; index++)
    api.apply(slice(`s${index}`, [`10.0.0.${index + 1}`], { service: `svc-${index}` }));
  const services = Array.from({ length: 8 }, (_, index) => watch(`k8s://shop/svc-${index}`));
  await pass(() => services.every(({ addresses }) => addresses.length === 1) && api.watchers.size === 8);
  const lists = api.count('list');
  expect(lists).toBe(8);
  services.push(watch('k8s://shop/svc-8'));
  await pass(() => services.every(({ addresses }) => addresses.length === 1) && api.watchers.size === 1);
  expect(api.count('list')).toBe(9);
  services.push(watch('k8s://shop/svc-9'));
  await pass(() => services.every(({ addresses }) => addresses.length === 1));
  expect(api.count('list')).toBe(9);
  for (let index = 0; index < 10; index++)
    api.apply(slice(`t${index}`, [`10.0.1.${index + 1}`], { service: `svc-${index}` }));
  await pass(() => services.every(({ addresses }) => addresses.length === 2));
  expect(services.every(({ seen }) => seen.every(({ state }) => state === 'fresh'))).toBe(true);
});

it.each([
  [true, { list: 0, watch: 1 }],
  [false, { list: 2, watch: 2 }],
])('asks for 500 services at once in so many requests (lists streamed: %s)', async (streamed, requests) => {
  const { api, watch, pass } = await world();
  api.streamsLists = streamed;
  for (let index = 0; index < 500; index++) api.apply(slice(`s${index}`, ['10.0.0.1'], { service: `svc-${index}` }));
  const services = Array.from({ length: 500 }, (_, index) => watch(`k8s://shop/svc-${index}`));
  await pass(() => services.every(({ addresses }) => addresses.length === 1) && api.watchers.size === 1);
  expect({ list: api.count('list'), watch: api.count('watch') }).toEqual(requests);
});

it('holds for a second what vanishes without having been unready, and tells of the rest at once', async () => {
  const { api, watch, pass, wait } = await world();
  api.apply(slice('a', ['10.0.0.1', '10.0.0.2']), slice('b', ['10.0.0.3']));
  const orders = watch('k8s://shop/orders');
  await pass(() => orders.addresses.length === 3 && api.watchers.size === 1);
  // From one slice to another, the removal first.
  api.apply(slice('a', ['10.0.0.1']));
  await wait(300, 50);
  api.apply(slice('b', ['10.0.0.3', '10.0.0.2']));
  await wait(300, 50);
  await wait(3_000, 50);
  expect(orders.addresses.toSorted()).toEqual(['10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80']);
  expect(orders.seen.every(({ endpoints }) => endpoints.length === 3)).toBe(true);
  // Deleted and made anew.
  api.remove('b');
  await wait(200, 50);
  api.apply(slice('b2', ['10.0.0.3', '10.0.0.2']));
  await wait(3_000, 200);
  expect(orders.seen.every(({ endpoints }) => endpoints.length === 3)).toBe(true);
  // Really gone.
  api.remove('b2');
  await pass(() => orders.addresses.length === 1);
  expect(orders.addresses).toEqual(['10.0.0.1:80']);
});

it('makes one snapshot of a burst of events', async () => {
  const { api, watch, pass, wait } = await world();
  api.apply(slice('a', ['10.0.0.1']));
  const orders = watch('k8s://shop/orders');
  await pass(() => orders.addresses.length === 1 && api.watchers.size === 1);
  await wait(200);
  const before = orders.seen.length;
  for (let index = 0; index < 200; index++) api.apply(slice(`s${index}`, [`10.0.1.${index + 1}`]));
  await pass(() => orders.addresses.length === 201);
  expect(orders.seen.length - before).toBeLessThanOrEqual(5);
});
