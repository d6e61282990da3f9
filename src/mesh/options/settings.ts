import type { PeerCertificate } from 'node:tls';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/log.ts';
import type { Random } from '../../core/random.ts';
import type { BalancerName, Protocol, Target } from './types.ts';

/** Options after `parseOptions`: complete and consistent. Durations are milliseconds. */
export interface MeshSettings {
  /** By name, lower case. */
  readonly services: ReadonlyMap<string, ServiceSettings>;
  /** Undefined where nothing was said: the door that a request comes through decides then. */
  readonly unknownService: 'reject' | 'passthrough' | undefined;
  readonly propagation: 'auto' | 'off';
  /** What `createEnv` takes. */
  readonly env: { readonly clock?: Clock; readonly random?: Random; readonly log?: Logger };
  /** What is allowed but hardly meant, one sentence each, path first. */
  readonly warnings: readonly string[];
}

/** One service, every field filled in. */
export interface ServiceSettings {
  readonly name: string;
  readonly target: Target;
  readonly protocol: Protocol;
  readonly balancer: BalancerName;
  readonly deadline: number;
  readonly attemptTimeout: number;
  readonly connectTimeout: number;
  readonly retry: RetrySettings | false;
  readonly breaker: BreakerSettings | false;
  readonly outlier: OutlierSettings | false;
  readonly panic: number;
  readonly limits: LimitSettings;
  readonly tls?: TlsSettings;
}

export interface RetrySettings {
  readonly max: number;
  readonly budget: { readonly ratio: number; readonly floorPerSecond: number; readonly window: number };
  readonly backoff: { readonly base: number; readonly cap: number };
  readonly replayLimit: number;
}

export interface BreakerSettings {
  readonly errorRate: number;
  readonly volume: number;
  readonly window: number;
  readonly open: number;
  readonly openCap: number;
}

export interface OutlierSettings {
  readonly consecutive: number;
  readonly successRate: number;
  readonly window: number;
  readonly volume: number;
  readonly ejection: number;
  readonly ejectionCap: number;
  readonly maxEjected: number;
}

export interface LimitSettings {
  readonly perEndpoint: number;
  readonly perService: number;
  readonly queue: number;
  readonly queueTimeout: number;
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
