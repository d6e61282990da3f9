import type { PeerCertificate } from 'node:tls';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/log.ts';
import type { Random } from '../../core/random.ts';
import type { OutlierSettings } from '../../health/index.ts';
import type { BreakerSettings } from '../../resilience/breaker/index.ts';
import type { RetryBudgetSettings } from '../../resilience/budget/index.ts';
import type { LimitSettings } from '../../resilience/limit/index.ts';
import type { BackoffSettings } from '../../resilience/retry/index.ts';
import type { Target } from '../../resolver/index.ts';
import type { BalancerName, KubernetesOptions, Protocol } from './types.ts';

/** Options after `parseOptions`: complete and consistent. Durations are milliseconds. */
export interface MeshSettings {
  /** By name, lower case. */
  readonly services: ReadonlyMap<string, ServiceSettings>;
  /** Undefined where nothing was said: the door that a request comes through decides then. */
  readonly unknownService: 'reject' | 'passthrough' | undefined;
  readonly propagation: 'auto' | 'off';
  readonly kubernetes?: KubernetesSettings;
  /** What `createEnv` takes. */
  readonly env: { readonly clock?: Clock; readonly random?: Random; readonly log?: Logger };
  /** What is allowed but hardly meant, one sentence each, path first. */
  readonly warnings: readonly string[];
}

/** As given: its files are read when they are used. */
export type KubernetesSettings = Readonly<KubernetesOptions>;

/** One service, every field filled in. */
export interface ServiceSettings {
  readonly name: string;
  readonly target: Target;
  readonly protocol: Protocol;
  /** Nobody said a protocol: an endpoint of which discovery knows better is spoken to as it says. */
  readonly protocolOpen?: true;
  readonly balancer: BalancerName;
  readonly deadline: number;
  readonly attemptTimeout: number;
  readonly connectTimeout: number;
  readonly retry: RetrySettings | false;
  readonly breaker: BreakerSettings | false;
  readonly outlier: Omit<OutlierSettings, 'panic'> | false;
  readonly panic: number;
  readonly limits: LimitSettings;
  readonly tls?: TlsSettings;
}

export interface RetrySettings {
  readonly max: number;
  readonly budget: RetryBudgetSettings;
  readonly backoff: BackoffSettings;
  readonly replayLimit: number;
}

/** Certificates as text or bytes, files read. */
export interface TlsSettings {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly servername?: string;
  readonly checkServerIdentity?: (hostname: string, certificate: PeerCertificate) => Error | undefined;
}
