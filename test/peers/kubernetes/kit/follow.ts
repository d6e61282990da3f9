import { createEnv } from '../../../../src/core/env.ts';
import { silentLogger } from '../../../../src/core/log.ts';
import { kubernetesScheme } from '../../../../src/discovery/kubernetes/index.ts';
import type { KubernetesOptions } from '../../../../src/index.ts';
import type { Snapshot } from '../../../../src/model/snapshot.ts';
import { createResolver } from '../../../../src/resolver/index.ts';
import { type Watch, watchResolver } from '../../kit/watch.ts';

/** What a `k8s://` target's resolver tells, with a cluster of its own. */
export function follow(target: string, options: KubernetesOptions): Watch {
  const env = createEnv({ log: silentLogger });
  return watchResolver(createResolver(target, env, { k8s: kubernetesScheme(options) }));
}

/** Whether any snapshot since `from` lacks one of `addresses`. */
export function gaps({ snapshots }: Watch, from: number, addresses: readonly string[]): readonly Snapshot[] {
  return snapshots.slice(from).filter(({ endpoints }) => {
    const told = new Set(endpoints.map(({ address }) => address));
    return !addresses.every((address) => told.has(address));
  });
}
