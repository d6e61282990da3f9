import { isDeepStrictEqual } from 'node:util';
import type { Env } from '../core/env.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Resolver } from '../model/snapshot.ts';
import type { Service } from '../model/service.ts';
import type { Stack } from '../model/stack.ts';
import { type Breaker, createBreaker } from '../resilience/breaker/index.ts';
import { RetryBudget } from '../resilience/budget/index.ts';
import { isSameTarget } from '../resolver/index.ts';
import { ConcurrencyLimit } from '../resilience/limit/index.ts';
import { isSecure } from '../transport/connection.ts';
import { createLeaf, type LeafSettings } from '../transport/leaf.ts';
import { Cluster } from './cluster.ts';
import type { ServiceSettings } from './options/index.ts';
import type { StackContext } from './stack.ts';

/** What a runtime shares with its siblings in one mesh. */
export interface MeshContext {
  readonly env: Env;
  readonly stack: Stack<StackContext>;
  readonly propagation: () => 'auto' | 'off';
  readonly resolve: (settings: ServiceSettings) => Resolver;
  readonly onConnect: (endpoint: Endpoint) => void;
}

/** One service at work: its cluster, the state of its policies, and the stack that is built of them. */
export class ServiceRuntime {
  readonly cluster: Cluster;
  readonly #context: MeshContext;
  settings: ServiceSettings;
  readonly limit: ConcurrencyLimit;
  breaker: Breaker | undefined;
  budget: RetryBudget | undefined;
  #leaf: Service;
  #service: Service | undefined;

  constructor(settings: ServiceSettings, context: MeshContext) {
    this.#context = context;
    this.settings = settings;
    this.cluster = new Cluster(settings, context.resolve(settings), context.env);
    this.limit = new ConcurrencyLimit(settings.limits, context.env, settings.name);
    this.breaker = newBreaker(settings, context.env);
    this.budget = newBudget(settings, context.env);
    this.#leaf = newLeaf(settings, context);
  }

  /** Whether the bytes to its endpoints are encrypted. */
  get isSecure(): boolean {
    return isSecure(this.settings.protocol);
  }

  /** All layers over the transport; built at the first call and again when the stack or the settings have changed. */
  get service(): Service {
    return (this.#service ??= this.#build());
  }

  /** Lets the next call see a changed stack. */
  rebuild(): void {
    this.#service = undefined;
  }

  /**
   * Takes over new settings. What did not change keeps its state: windows, budgets and what is in flight go on.
   * @param rediscover the target is the same, and is found in another way.
   */
  update(settings: ServiceSettings, rediscover = false): void {
    const before = this.settings;
    const same = (field: keyof ServiceSettings): boolean => isDeepStrictEqual(before[field], settings[field]);
    this.settings = settings;
    const isSameSource = !rediscover && isSameTarget(before.target, settings.target);
    this.cluster.reconfigure(settings, isSameSource ? undefined : this.#context.resolve(settings));
    const { env } = this.#context;
    this.limit.update(settings.limits);
    if (!same('breaker')) this.breaker = newBreaker(settings, env);
    if (!same('retry')) this.budget = newBudget(settings, env);
    if (!same('protocol') || !same('protocolOpen') || !same('tls') || !same('connectTimeout') || !same('limits')) {
      this.#leaf = newLeaf(settings, this.#context);
      void this.cluster.disconnect('close');
    }
    this.rebuild();
  }

  #build(): Service {
    const { stack, env, propagation } = this.#context;
    const { cluster, settings, limit, breaker, budget } = this;
    return stack.build({ env, cluster, settings, propagation: propagation(), limit, breaker, budget }, this.#leaf);
  }
}

function newBreaker({ breaker, name }: ServiceSettings, env: Env): Breaker | undefined {
  return breaker === false ? undefined : createBreaker(breaker, env, name);
}

function newBudget({ retry }: ServiceSettings, env: Env): RetryBudget | undefined {
  return retry === false ? undefined : new RetryBudget(retry.budget, env.clock);
}

function newLeaf(settings: ServiceSettings, { env, onConnect }: MeshContext): Service {
  const { name: service, protocol, protocolOpen = false, connectTimeout, limits, tls } = settings;
  const connection: LeafSettings = {
    service,
    protocol,
    protocolOpen,
    connectTimeout,
    connections: limits.perEndpoint,
  };
  return createLeaf(tls === undefined ? connection : { ...connection, tls }, env, onConnect);
}
