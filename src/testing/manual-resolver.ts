import type { EndpointInfo } from '../model/endpoint.ts';
import type { Resolver, Snapshot } from '../model/snapshot.ts';

interface Watcher {
  readonly listener: (snapshot: Snapshot) => void;
  told: number;
}

/**
 * A resolver that knows what a test tells it. Nothing is known at first; each of `set`, `fail` and `empty` is told
 * to whoever watches before it returns.
 *
 * @example
 * const orders = new ManualResolver(['127.0.0.1:3001']);
 * orders.set(['127.0.0.1:3001', { address: '127.0.0.1:3002', weight: 2 }]);
 * orders.fail(new Error('registry down')); // stale: the last good endpoints stay
 */
export class ManualResolver implements Resolver {
  readonly target: string;
  /** How often it was asked to look again. */
  refreshes = 0;
  #snapshot: Snapshot | undefined;
  #version = 0;
  readonly #watchers: Set<Watcher> = new Set();

  constructor(endpoints?: readonly (string | EndpointInfo)[], target = 'manual://test') {
    this.target = target;
    if (endpoints !== undefined) this.set(endpoints);
  }

  /** How many watch. */
  get watchers(): number {
    return this.#watchers.size;
  }

  /** These are the endpoints now: addresses, or all there is to say of them. */
  set(endpoints: readonly (string | EndpointInfo)[]): void {
    const infos = endpoints.map((given) => (typeof given === 'string' ? { address: given } : given));
    this.#tell({ endpoints: infos, state: 'fresh', version: ++this.#version });
  }

  /** The source fails: what was known last is stale, or nothing is known and `error` tells why. */
  fail(error: Error): void {
    const endpoints = this.#snapshot?.endpoints ?? [];
    this.#tell({ endpoints, state: endpoints.length > 0 ? 'stale' : 'error', version: ++this.#version, error });
  }

  /** The source says that there are none. */
  empty(): void {
    this.#tell({ endpoints: [], state: 'empty', version: ++this.#version });
  }

  watch(listener: (snapshot: Snapshot) => void): () => void {
    const watcher: Watcher = { listener, told: 0 };
    this.#watchers.add(watcher);
    queueMicrotask(() => {
      if (this.#snapshot !== undefined) this.#tellOne(watcher, this.#snapshot);
    });
    return () => void this.#watchers.delete(watcher);
  }

  refresh(): void {
    this.refreshes++;
  }

  #tell(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    // A copy: who begins to watch meanwhile is told by its own microtask.
    for (const watcher of Array.from(this.#watchers)) this.#tellOne(watcher, snapshot);
  }

  #tellOne(watcher: Watcher, snapshot: Snapshot): void {
    if (!this.#watchers.has(watcher) || watcher.told >= snapshot.version) return;
    watcher.told = snapshot.version;
    watcher.listener(snapshot);
  }
}
