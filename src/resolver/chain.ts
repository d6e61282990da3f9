import type { Timer } from '../core/clock.ts';
import type { Env } from '../core/env.ts';
import type { Resolver, Snapshot } from '../model/snapshot.ts';
import { Fault } from './fault.ts';
import { type Feed, reasonOf, resolverOf, type Source } from './feed.ts';

/** How long a source may stay silent before the next is asked as well; ms. */
const PATIENCE = 1_000;

interface Link {
  readonly resolver: Resolver;
  readonly stop: () => void;
  snapshot: Snapshot | undefined;
}

/**
 * Several sources, tried in order: the first that has endpoints, fresh or stale, is the one that counts. A later one is
 * watched only while all before it have none, so a fall-back costs nothing until it is needed.
 */
export function chainResolver(target: string, resolvers: readonly Resolver[], env: Env): Resolver {
  return resolverOf(target, env, (feed) => new Chain(feed, resolvers, env));
}

class Chain implements Source {
  readonly #feed: Feed;
  readonly #resolvers: readonly Resolver[];
  readonly #env: Env;
  readonly #links: Link[] = [];
  #patience: Timer | undefined;
  /** Which source's endpoints were told last. */
  #used = 0;
  #stopped = false;

  constructor(feed: Feed, resolvers: readonly Resolver[], env: Env) {
    this.#feed = feed;
    this.#resolvers = resolvers;
    this.#env = env;
    this.#extend();
  }

  refresh(): void {
    for (const { resolver } of this.#links) resolver.refresh?.();
  }

  stop(): void {
    this.#stopped = true;
    this.#cut(0);
  }

  /** Watches one source more. */
  #extend(): void {
    this.#patience?.cancel();
    const resolver = this.#resolvers[this.#links.length];
    if (resolver === undefined || this.#stopped) return;
    const link: Link = {
      resolver,
      snapshot: undefined,
      stop: resolver.watch((snapshot) => {
        link.snapshot = snapshot;
        this.#decide();
      }),
    };
    this.#links.push(link);
    this.#patience = this.#env.clock.schedule(PATIENCE, () => this.#extend());
  }

  /** Watches none but the first `length` sources. */
  #cut(length: number): void {
    this.#patience?.cancel();
    for (const link of this.#links.splice(length)) link.stop();
  }

  #decide(): void {
    const index = this.#links.findIndex(({ snapshot }) => (snapshot?.endpoints.length ?? 0) > 0);
    const winner = this.#links[index];
    if (winner !== undefined) {
      // Earlier ones that are still silent keep being listened to: they may yet win.
      if (index < this.#links.length - 1) this.#cut(index + 1);
      else this.#patience?.cancel();
      this.#tell(winner, index);
      return;
    }
    if (this.#links.every(({ snapshot }) => snapshot !== undefined)) {
      if (this.#links.length < this.#resolvers.length) this.#extend();
      else this.#exhausted();
    }
  }

  #tell({ resolver, snapshot }: Link, index: number): void {
    const { state, endpoints, error } = snapshot!;
    if (index > 0 && index !== this.#used) {
      const first = this.#links[0]!;
      const why = first.snapshot?.error?.message ?? `${first.resolver.target} is silent`;
      this.#env.log.warn({ code: 'INMESH_FALLBACK', target: this.#feed.target }, `Using ${resolver.target}: ${why}`);
    }
    this.#used = index;
    this.#feed.publish(state, endpoints, error && { kind: `${resolver.target} ${kindOf(error)}`, error });
  }

  /** All have spoken, none has endpoints. */
  #exhausted(): void {
    const snapshots = this.#links.map(({ snapshot }) => snapshot!);
    const told = snapshots.map(
      ({ error }, index) => error?.message ?? `${this.#resolvers[index]!.target}: no endpoint`,
    );
    const fault = new Fault('EXHAUSTED', `no source has an endpoint: ${told.join('; ')}`, snapshots.at(-1)?.error);
    const empty = snapshots.some(({ state }) => state === 'empty');
    if (empty) this.#feed.publish('empty', [], reasonOf(this.#feed.target, fault, 'no endpoint is left'));
    else this.#feed.failed(fault);
  }
}

function kindOf(error: Error): string {
  return error.cause instanceof Fault ? error.cause.kind : error.message;
}
