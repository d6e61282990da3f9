import { expect, it } from 'vitest';
import { world } from '../discovery/kit.ts';
import { kindOf } from '../resolver/kit.ts';
import { type Asked, fail, slice } from '../kit/apiserver.ts';

it('31 429 with Retry-After: asks no earlier than it is told to', async () => {
  const { api, watch, pass, clock } = await world();
  api.apply(slice('a', ['10.0.0.1']));
  let refused = Infinity;
  api.intercept = (_asked, response) => {
    if (refused !== Infinity) return false;
    refused = clock.now();
    fail(response, 429, 'too many requests', { 'retry-after': '7' });
    return true;
  };
  const orders = watch('k8s://shop/orders');
  await pass(() => orders.addresses.length === 1, 50);
  expect(orders.seen[0]).toMatchObject({ state: 'error' });
  expect(kindOf(orders.seen[0])).toBe('BUSY');
  expect(api.asked[1]!.at - refused).toBeGreaterThanOrEqual(7_000);
  expect(api.asked[1]!.at - refused).toBeLessThan(7_000 + 13_000);
});

it('31 429 with Retry-After, for a watch: goes on from where it was, and what is known serves', async () => {
  const { api, watch, pass, clock } = await world();
  api.apply(slice('a', ['10.0.0.1']));
  const orders = watch('k8s://shop/orders');
  await pass(() => orders.addresses.length === 1 && api.watchers.size === 1);
  let refused = Infinity;
  api.intercept = (_asked, response) => {
    if (refused !== Infinity) return false;
    refused = clock.now();
    fail(response, 429, 'too many requests', { 'retry-after': '3' });
    return true;
  };
  const before = api.asked.length;
  api.drop('end');
  api.apply(slice('b', ['10.0.0.2']));
  await pass(() => orders.addresses.length === 2, 20);
  expect(api.asked.slice(before).map(({ verb }) => verb)).toEqual(['watch', 'watch']);
  expect(api.asked.at(-1)!.at - refused).toBeGreaterThanOrEqual(3_000);
  expect(orders.seen.every(({ endpoints }) => endpoints.length > 0)).toBe(true);
});

it('31 500 ten times: keeps what is known, says so, and is fresh again after', async () => {
  const { api, watch, pass, wait } = await world();
  api.apply(slice('a', ['10.0.0.1']));
  const orders = watch('k8s://shop/orders');
  await pass(() => orders.addresses.length === 1 && api.watchers.size === 1);
  await wait(1_500, 100);
  let times = 0;
  api.intercept = (_asked, response) => {
    if (times === 10) return false;
    times++;
    fail(response, 500, 'etcdserver: leader changed');
    return true;
  };
  api.drop('cut');
  await pass(() => orders.last?.state === 'stale', 100);
  expect(kindOf(orders.last)).toBe('SERVER_ERROR');
  expect(orders.last!.error!.message).toContain('etcdserver: leader changed');
  expect(orders.addresses).toEqual(['10.0.0.1:80']);
  api.apply(slice('b', ['10.0.0.2']));
  await pass(() => orders.last?.state === 'fresh', 100);
  expect(orders.addresses).toEqual(['10.0.0.1:80', '10.0.0.2:80']);
  expect(times).toBe(10);
});

it('31 403: says at once which rule is missing and how to apply it; goes on when it is there', async () => {
  const { api, watch, pass } = await world();
  api.apply(slice('a', ['10.0.0.1']));
  const message =
    'endpointslices.discovery.k8s.io is forbidden: User "system:serviceaccount:web:frontend" cannot list resource "endpointslices"';
  const forbid = (_asked: Asked, response: Parameters<typeof fail>[0]): boolean => {
    fail(response, 403, message);
    return true;
  };
  api.intercept = forbid;
  const orders = watch('k8s://shop/orders');
  await pass(() => orders.last !== undefined);
  expect(orders.last!.state).toBe('error');
  expect(kindOf(orders.last)).toBe('FORBIDDEN');
  const text = orders.last!.error!.message;
  expect(text).toContain('system:serviceaccount:web:frontend');
  expect(text).toContain(
    '{ apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["get", "list", "watch"] }',
  );
  expect(text).toContain(
    'kubectl create role inmesh -n shop --verb=get,list,watch --resource=endpointslices.discovery.k8s.io\n',
  );
  expect(text).toContain(
    'kubectl create rolebinding inmesh-frontend -n shop --role=inmesh --serviceaccount=web:frontend',
  );
  api.intercept = undefined;
  await pass(() => orders.last?.state === 'fresh', 100);
  expect(orders.addresses).toEqual(['10.0.0.1:80']);
  // Taken away again: what is known stays.
  api.intercept = forbid;
  api.drop('end');
  await pass(() => orders.last?.state === 'stale', 50);
  expect(orders.addresses).toEqual(['10.0.0.1:80']);
});
