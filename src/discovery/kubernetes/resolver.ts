import { AsyncLocalStorage } from 'node:async_hooks';
import type { Timer } from '../../core/clock.ts';
import type { Env } from '../../core/env.ts';
import type { Resolver } from '../../model/snapshot.ts';
import { type Fault, faultOf, type Feed, resolverOf, type Source } from '../../resolver/index.ts';
import type { Cluster } from './cluster.ts';
import { ServiceEndpoints } from './endpoints.ts';
import { Holds } from './holds.ts';
import type { NamespaceSlices } from './namespace.ts';
import { placeOf } from './place.ts';
import type { KubernetesTarget } from './target.ts';

/** The least time between two snapshots, ms: a burst of events makes one. */
const SPACING = 100;
/** And at least so many times as long as the last one took to make and tell: no more than a twentieth of the time goes there. */
const REST = 20;

/** Discovery outlives the request that begins it, and must not keep that one's context. */
const outside = AsyncLocalStorage.snapshot();

/** A resolver of a checked `k8s://` target; `cluster` is asked for at each watch, since one that nobody watches is closed. */
export function kubernetesResolver(text: string, target: KubernetesTarget, cluster: () => Cluster, env: Env): Resolver {
  return resolverOf(text, env, (feed) => outside(() => new ServiceSource(feed, target, cluster(), env)));
}

/** One running watch of one service's endpoints. */
class ServiceSource implements Source {
  readonly #feed: Feed;
  readonly #env: Env;
  readonly #target: KubernetesTarget;
  readonly #cluster: Cluster;
  readonly #holds: Holds = new Holds();
  #endpoints: ServiceEndpoints | undefined;
  #slices: NamespaceSlices | undefined;
  #leave: () => void = () => {};
  #pending: Timer | undefined;
  /** Until what is held is let go. */
  #holding: Timer | undefined;
  /** When the next snapshot may be told. */
  #next = -Infinity;
  #stopped = false;

  constructor(feed: Feed, target: KubernetesTarget, cluster: Cluster, env: Env) {
    this.#feed = feed;
    this.#target = target;
    this.#cluster = cluster;
    this.#env = env;
    void this.#start();
  }

  stop(): void {
    this.#stopped = true;
    this.#pending?.cancel();
    this.#holding?.cancel();
    this.#leave();
  }

  async #start(): Promise<void> {
    const { service, port } = this.#target;
    const namespace = await this.#namespace();
    if (this.#stopped || namespace === undefined) return;
    const family = this.#cluster.family();
    this.#endpoints = new ServiceEndpoints({ name: `${namespace}/${service}`, port, place: placeOf(), family });
    [this.#slices, this.#leave] = this.#cluster.watch(namespace, service, () => this.#soon());
  }

  /** The namespace is asked for until it is known: a file may come late. */
  async #namespace(): Promise<string | undefined> {
    const { namespace } = this.#target;
    if (namespace !== undefined) return namespace;
    try {
      return await this.#cluster.api.namespace();
    } catch (error) {
      if (this.#stopped) return undefined;
      this.#feed.failed(faultOf(error));
      this.#pending = this.#env.clock.schedule(NAMESPACE_RETRY, () => {
        this.#pending = undefined;
        void this.#start();
      });
      return undefined;
    }
  }

  /** The first change is told in the next turn, one that follows soon in a while, with all that come until then. */
  #soon(): void {
    if (this.#stopped || this.#pending !== undefined) return;
    const { clock } = this.#env;
    const delay = this.#next - clock.now();
    this.#pending = clock.schedule(delay, () => {
      this.#pending = undefined;
      const begun = clock.now();
      this.#publish();
      const now = clock.now();
      this.#next = now + Math.max(SPACING, REST * (now - begun));
    });
    // A turn that nobody holds may wait for the next thing that happens.
    if (delay <= 0) this.#pending.ref();
  }

  #publish(): void {
    this.#holding?.cancel();
    const { slices, fault } = this.#slices!.of(this.#target.service);
    if (slices === undefined) {
      if (fault !== undefined) this.#feed.failed(fault);
      return;
    }
    const found = this.#endpoints!.of(slices);
    if ('none' in found) this.#none(found.none, fault);
    else {
      const now = this.#env.clock.now();
      const { endpoints, until } = this.#holds.over(found.endpoints, (address) => this.#endpoints!.names(address), now);
      this.#feed.good(endpoints, fault, true);
      if (until !== undefined) this.#holding = this.#env.clock.schedule(until - now, () => this.#soon());
    }
  }

  #none(none: Fault, fault: Fault | undefined): void {
    this.#holds.forget();
    // An empty answer of long ago is no news.
    if (fault === undefined) this.#feed.empty(none);
    else this.#feed.failed(fault);
  }
}

const NAMESPACE_RETRY = 2_000;
