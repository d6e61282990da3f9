import type { Env } from '../core/env.ts';
import { outlierLayer } from '../health/index.ts';
import { Stack } from '../model/stack.ts';
import { breakerLayer, type Breaker } from '../resilience/breaker/index.ts';
import type { RetryBudget } from '../resilience/budget/index.ts';
import { attemptTimeoutLayer, deadlineLayer } from '../resilience/deadline/index.ts';
import { admissionLayer, type ConcurrencyLimit, endpointLimitLayer } from '../resilience/limit/index.ts';
import { retryLayer } from '../resilience/retry/index.ts';
import { propagationLayer } from '../telemetry/index.ts';
import { identityLayer } from '../transport/identity.ts';
import { balanceLayer } from './balance.ts';
import type { Cluster } from './cluster.ts';
import type { ServiceSettings } from './options/index.ts';

/** What the layers of one service are made from. */
export interface StackContext {
  readonly env: Env;
  readonly cluster: Cluster;
  readonly settings: ServiceSettings;
  readonly propagation: 'auto' | 'off';
  readonly limit: ConcurrencyLimit;
  readonly breaker: Breaker | undefined;
  readonly budget: RetryBudget | undefined;
}

/** The order of layers, outermost first, and why each stands where it stands: service stack, then endpoint stack. */
export function standardStack(): Stack<StackContext> {
  return new Stack<StackContext>([
    {
      role: 'deadline',
      why: 'ends the call in time; outermost, because queueing, discovery, every attempt and the body count',
      make: ({ settings, env }) => deadlineLayer({ deadline: settings.deadline, env }),
    },
    {
      role: 'admission',
      why: 'bounds what is in flight and what waits; before anything that works or retries, so a call holds one place however many attempts it takes',
      make: ({ limit }) => admissionLayer(limit),
    },
    {
      role: 'breaker',
      why: 'stops calling a service that fails as a whole; outside of retries, because it judges what the caller would see',
      make: ({ breaker }) => breaker && breakerLayer(breaker),
    },
    {
      role: 'retry',
      why: 'tries again elsewhere, under a budget; inside of deadline and breaker, and the only layer that repeats',
      make: ({ settings: { retry }, budget, env }) =>
        retry === false || budget === undefined ? undefined : retryLayer({ ...retry, budget, env }),
    },
    {
      role: 'attempt-telemetry',
      why: 'writes deadline, attempt and trace headers; inside of retry, because each attempt has its own',
      make: ({ propagation }) => propagationLayer({ propagation }),
    },
    {
      role: 'attempt-timeout',
      why: 'gives up on one attempt so that another endpoint may be tried in time; it covers connecting and the head',
      make: ({ settings }) => attemptTimeoutLayer({ timeout: settings.attemptTimeout }),
    },
    {
      role: 'balance',
      why: 'chooses the endpoint, per attempt, with what is known at this moment; everything within knows its endpoint',
      make: ({ cluster }) => balanceLayer(cluster),
    },
    {
      role: 'outlier',
      why: 'learns from each attempt how its endpoint is; outside of endpoint-limit, whose refusals blame nobody',
      make: ({ cluster: { detector } }) => detector && outlierLayer(detector),
    },
    {
      role: 'endpoint-limit',
      why: 'bounds what one endpoint has in flight, whatever the balancer thinks of it',
      make: ({ settings: { limits } }) => endpointLimitLayer(limits),
    },
    {
      role: 'identity',
      why: 'names whom the connection must prove to be; innermost, because a redirect of the layers above must not change it',
      make: ({ settings }) => identityLayer(settings),
    },
  ]);
}
