import type { Clock } from '../../core/clock.ts';
import type { Env } from '../../core/env.ts';
import type { KubernetesSettings } from '../../mesh/options/index.ts';
import { systemOf } from '../../resolver/dns/system.ts';
import type { AccessSource } from './access.ts';
import { Api } from './api.ts';
import { givenAccess, serviceAccount } from './credentials.ts';
import { kubeconfigAccess } from './kubeconfig.ts';
import { NamespaceSlices } from './namespace.ts';

/** One cluster as one account sees it, shared by all meshes of the process that reach it in the same way. */
export class Cluster {
  readonly api: Api;
  readonly family: () => 4 | 6;
  readonly #env: Env;
  readonly #namespaces: Map<string, NamespaceSlices> = new Map();
  readonly #onIdle: () => void;

  constructor(source: AccessSource, env: Env, onIdle: () => void = () => {}) {
    this.api = new Api(source);
    this.#env = env;
    this.#onIdle = onIdle;
    const system = systemOf(env.clock);
    // As with DNS, IPv4 is preferred; a host that has IPv6 only cannot.
    this.family = () => {
      const { v4, v6 } = system.families();
      return v6 && !v4 ? 6 : 4;
    };
  }

  /** Watches one service. @returns its namespace's slices, and what ends it. */
  watch(namespace: string, service: string, listener: () => void): [NamespaceSlices, () => void] {
    let slices = this.#namespaces.get(namespace);
    if (slices === undefined)
      this.#namespaces.set(namespace, (slices = new NamespaceSlices(this.api, namespace, this.#env)));
    const stop = slices.watch(service, listener);
    return [
      slices,
      () => {
        stop();
        if (!slices.isIdle) return;
        this.#namespaces.delete(namespace);
        if (this.#namespaces.size > 0) return;
        this.api.close();
        this.#onIdle();
      },
    ];
  }
}

/** By clock, which outside of tests is one per process, and by how the cluster is reached. */
const shared = new WeakMap<Clock, Map<string, Cluster>>();

/** The cluster that `settings` lead to: this pod's own where they say nothing. */
export function clusterOf(settings: KubernetesSettings | undefined, env: Env): Cluster {
  let clusters = shared.get(env.clock);
  if (clusters === undefined) shared.set(env.clock, (clusters = new Map<string, Cluster>()));
  const key = JSON.stringify(settings ?? {});
  let cluster = clusters.get(key);
  if (cluster === undefined) {
    cluster = new Cluster(accessOf(settings, env), env, () => clusters.delete(key));
    clusters.set(key, cluster);
  }
  return cluster;
}

function accessOf(settings: KubernetesSettings | undefined, { log, clock }: Env): AccessSource {
  if (settings?.kubeconfig !== undefined) return kubeconfigAccess(settings.kubeconfig, settings.namespace, clock);
  if (settings?.server !== undefined) return givenAccess(settings, log);
  return serviceAccount(log);
}
