import type { Env } from '../../core/env.ts';
import type { KubernetesSettings } from '../../mesh/options/index.ts';
import type { Resolver } from '../../model/snapshot.ts';
import { clusterOf } from './cluster.ts';
import { kubernetesResolver } from './resolver.ts';
import { parseKubernetesTarget } from './target.ts';

/** Makes resolvers of checked `k8s://` targets in the cluster that `settings` lead to. */
export function resolverMaker(settings: KubernetesSettings | undefined): (text: string, env: Env) => Resolver {
  return (text, env) => {
    const target = parseKubernetesTarget(text);
    if (typeof target === 'string') throw new TypeError(`${text} ${target}`);
    return kubernetesResolver(text, target, () => clusterOf(settings, env), env);
  };
}
