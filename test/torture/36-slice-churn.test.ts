import { createHash } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { createEnv } from '../../src/core/env.ts';
import { randomInt, seededRandom } from '../../src/core/random.ts';
import { silentLogger } from '../../src/core/log.ts';
import { Cluster } from '../../src/discovery/kubernetes/cluster.ts';
import { accessTo, resolverTo } from '../discovery/kit.ts';
import { ApiServer, slice, type SliceObject } from '../kit/apiserver.ts';
import { watching } from '../resolver/kit.ts';

function hashOf(addresses: readonly string[]): string {
  return createHash('sha256').update(addresses.toSorted().join()).digest('hex');
}

/** What the server's slices come to, computed in another way than the client does. */
function wanted(objects: readonly SliceObject[]): string[] {
  const ready = new Set<string>();
  for (const { endpoints } of objects) {
    for (const { addresses, conditions } of endpoints as { addresses: string[]; conditions: { ready: boolean } }[]) {
      if (conditions.ready) ready.add(`${addresses[0]}:80`);
    }
  }
  return [...ready];
}

it('36 slice-churn: 2,000 random events over 100 slices of 10,000 endpoints end at the set of the server, by hash', async () => {
  const api = await ApiServer.start();
  const random = seededRandom(36);
  const env = createEnv({ log: silentLogger, random });
  onTestFinished(() => api.close());
  const make = (index: number): SliceObject =>
    slice(
      `s${index}`,
      Array.from({ length: 100 }, (_, at) => ({
        // Some addresses are in two slices.
        addresses: [`10.${index}.0.${random() < 0.02 ? 0 : at}`],
        conditions: { ready: random() < 0.9 },
        zone: `zone-${at % 3}`,
      })),
    );
  for (let index = 0; index < 100; index++) api.apply(make(index));
  const orders = watching(
    resolverTo(
      new Cluster(
        accessTo(() => api.url),
        env,
      ),
      'k8s://shop/orders',
      env,
    ),
  );
  onTestFinished(() => orders.stop());
  const until = async (done: () => boolean): Promise<void> => {
    for (const end = performance.now() + 15_000; !done() && performance.now() < end;) {
      await new Promise((turn) => setTimeout(turn, 10));
    }
  };
  await until(() => api.watchers.size === 1 && orders.addresses.length > 8_000);
  for (let burst = 0; burst < 100; burst++) {
    for (let event = 0; event < 20; event++) {
      const index = randomInt(random, 100);
      const there = api.objects.some(({ metadata }) => metadata.name === `s${index}`);
      if (there && random() < 0.1) api.remove(`s${index}`);
      else api.apply(make(index));
    }
    // Once the stream breaks in the midst of it.
    if (burst === 50) api.drop('cut');
    await new Promise((turn) => setImmediate(turn));
  }
  const expected = hashOf(wanted(api.objects));
  await until(() => hashOf(orders.addresses) === expected);
  expect(hashOf(orders.addresses)).toBe(expected);
  expect(orders.seen.every(({ endpoints }) => endpoints.length > 5_000)).toBe(true);
});
