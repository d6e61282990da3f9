import type { Env } from '../core/env.ts';
import type { EndpointState } from '../model/endpoint.ts';
import { IDEMPOTENT_METHODS } from '../model/request.ts';
import type { ServiceRuntime } from './runtime.ts';

/** One endpoint as it is now. */
export interface EndpointView {
  readonly address: string;
  readonly state: EndpointState;
  /** Why it is not healthy. */
  readonly reason?: string;
  readonly inFlight: number;
  readonly weight: number;
  readonly zone?: string;
  readonly priority: number;
  /** Expected latency as the balancer sees it, ms, raised by failures; 0 while unknown. */
  readonly cost: number;
  /** Share of recent attempts that succeeded, 0 to 1. */
  readonly successRate: number;
}

/** What a request would meet now, without sending it. */
export interface Explanation {
  readonly service: string;
  readonly target: string;
  readonly balancer: string;
  /** The endpoint that a pick now would most probably take, and those that it is chosen from. */
  readonly candidates: readonly EndpointView[];
  /** Endpoints that take no traffic now, each with its reason. */
  readonly excluded: readonly EndpointView[];
  readonly timeouts: {
    readonly deadline: number;
    readonly attemptTimeout: number;
    readonly connectTimeout: number;
    /** Which ends a request that is never answered. */
    readonly binding: 'deadline' | 'attemptTimeout';
  };
  readonly retries: { readonly max: number; readonly reason: string };
  readonly breaker: string;
}

/** The live view of one service. */
export class ServiceView {
  readonly #runtime: ServiceRuntime;
  readonly #env: Env;

  /** @internal */
  constructor(runtime: ServiceRuntime, env: Env) {
    this.#runtime = runtime;
    this.#env = env;
  }

  /** Every endpoint that discovery tells of. */
  endpoints(): EndpointView[] {
    const now = this.#env.clock.now();
    return [...this.#runtime.cluster.endpoints.values()].map((endpoint) => ({
      address: endpoint.address,
      state: endpoint.state,
      ...(endpoint.reason === undefined ? {} : { reason: endpoint.reason }),
      inFlight: endpoint.inFlight,
      weight: endpoint.weight,
      ...(endpoint.zone === undefined ? {} : { zone: endpoint.zone }),
      priority: endpoint.priority,
      cost: Number(endpoint.load.cost(now).toFixed(3)),
      successRate: Number(endpoint.load.successRate(now).toFixed(3)),
    }));
  }

  /** Plain JSON of the service: discovery, endpoints, and what its policies have seen. */
  snapshot(): ServiceSnapshot {
    const { cluster, breaker, budget, limit, settings } = this.#runtime;
    const { snapshot } = cluster;
    return {
      target: cluster.target,
      protocol: settings.protocol,
      balancer: settings.balancer,
      state: snapshot?.state ?? 'unresolved',
      ...(snapshot?.error === undefined ? {} : { error: snapshot.error.message }),
      version: snapshot?.version ?? 0,
      endpoints: this.endpoints(),
      breaker: breaker?.snapshot(),
      retryBudget: budget?.snapshot(),
      limit: { inFlight: limit.inFlight, queued: limit.queued, ...settings.limits },
    };
  }

  /** What a request would meet now, without sending it. */
  explain(request: { method?: string; path?: string; headers?: Record<string, string> } = {}): Explanation {
    const { cluster, settings, breaker } = this.#runtime;
    const eligible = new Set(cluster.eligible().map(({ address }) => address));
    const all = this.endpoints();
    const { deadline, attemptTimeout, connectTimeout } = settings;
    return {
      service: settings.name,
      target: cluster.target,
      balancer: settings.balancer,
      candidates: all
        .filter(({ address }) => eligible.has(address))
        .sort((a, b) => a.cost * (a.inFlight + 1) - b.cost * (b.inFlight + 1)),
      excluded: all.filter(({ address }) => !eligible.has(address)),
      timeouts: {
        deadline,
        attemptTimeout,
        connectTimeout,
        binding: attemptTimeout < deadline ? 'attemptTimeout' : 'deadline',
      },
      retries: retriesOf(this.#runtime, request),
      breaker: breaker?.snapshot().state ?? 'off',
    };
  }
}

/** What `mesh.service(name).snapshot()` gives. */
export interface ServiceSnapshot {
  readonly target: string;
  readonly protocol: string;
  readonly balancer: string;
  readonly state: 'fresh' | 'stale' | 'empty' | 'error' | 'unresolved';
  readonly error?: string;
  readonly version: number;
  readonly endpoints: readonly EndpointView[];
  readonly breaker: unknown;
  readonly retryBudget: unknown;
  readonly limit: unknown;
}

function retriesOf(
  { settings: { retry } }: ServiceRuntime,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> },
): Explanation['retries'] {
  if (retry === false) return { max: 0, reason: 'retries are off for this service' };
  const keyed = Object.keys(headers).some((name) => name.toLowerCase() === 'idempotency-key');
  if (IDEMPOTENT_METHODS.has(method.toUpperCase())) return { max: retry.max, reason: `${method} is idempotent` };
  if (keyed) return { max: retry.max, reason: 'the request has an idempotency-key' };
  return {
    max: retry.max,
    reason: `${method} is not idempotent: only attempts of which nothing was sent are repeated`,
  };
}
