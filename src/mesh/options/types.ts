import type { PeerCertificate } from 'node:tls';
import type { Clock } from '../../core/clock.ts';
import type { Duration } from '../../core/duration.ts';
import type { Logger } from '../../core/log.ts';
import type { Random } from '../../core/random.ts';
import type { OutlierOptions } from '../../health/index.ts';
import type { BreakerOptions } from '../../resilience/breaker/index.ts';
import type { LimitOptions } from '../../resilience/limit/index.ts';
import type { RetryOptions } from '../../resilience/retry/index.ts';
import type { Target } from '../../resolver/index.ts';

export type { OutlierOptions } from '../../health/index.ts';
export type { BreakerOptions } from '../../resilience/breaker/index.ts';
export type { RetryBudgetOptions } from '../../resilience/budget/index.ts';
export type { LimitOptions } from '../../resilience/limit/index.ts';
export type { BackoffOptions, RetryOptions } from '../../resilience/retry/index.ts';
export type { Target } from '../../resolver/index.ts';

/** What is spoken with the endpoints. `https` and `h2` are encrypted, `http` and `h2c` are not. */
export type Protocol = 'http' | 'https' | 'h2' | 'h2c';

/** How an endpoint is chosen for each request. */
export type BalancerName = 'p2c-peak-ewma' | 'p2c-least-request' | 'least-request' | 'round-robin' | 'random';

/** What `createMesh` takes. */
export interface MeshOptions {
  /**
   * The services by name, each an object or just its target. The name is the host in URLs: `mesh.fetch('http://orders/…')`.
   * Names are host names, `a-z`, `0-9`, `.` and `-`, and case does not matter.
   */
  services: Readonly<Record<string, string | ServiceOptions>>;
  /** What every service uses where it says nothing itself: every field of a service but `target`. */
  defaults?: ServiceDefaults;
  /**
   * What happens to a host that is no service: `'reject'` fails with `INMESH_UNKNOWN_SERVICE`, `'passthrough'` sends the
   * request there as if there were no mesh.
   * @defaultValue `'reject'` for `mesh.fetch` and `mesh.dispatch`, `'passthrough'` for `mesh.install()`
   */
  unknownService?: 'reject' | 'passthrough';
  /**
   * Whether trace context (`traceparent`, `tracestate`, `baggage`) is written to requests: `'auto'` writes exactly one,
   * `'off'` leaves these headers as they are.
   * @defaultValue `'auto'`
   */
  propagation?: 'auto' | 'off';
  /**
   * How the API server behind `k8s://` targets is reached.
   * @defaultValue the service account of the pod that this process runs in
   */
  kubernetes?: KubernetesOptions;
  /** Where time comes from: for tests. @defaultValue the process's clock */
  clock?: Clock;
  /** Where chance comes from: for tests. @defaultValue `Math.random` */
  random?: Random;
  /** What is told of things worth knowing: pino's shape. @defaultValue warnings through `process.emitWarning`, once a code */
  log?: Logger;
}

/**
 * A Kubernetes API server and how to prove who one is to it: `server` with what it needs, or `kubeconfig`. Files are read
 * anew before every request, so tokens and certificates may be replaced at any time.
 */
export interface KubernetesOptions {
  /** `https://host:port`, with a path where the API is beneath one; `http://` without a token, or on this host. */
  server?: string;
  /** A bearer token. */
  token?: string;
  /** The path of a file that holds the bearer token. */
  tokenFile?: string;
  /** Who may have signed the server's certificate: PEM, or the path of a PEM file. @defaultValue the authorities that Node trusts */
  ca?: string | Uint8Array;
  /** A client certificate: PEM, or the path of a PEM file; needs `key`. */
  cert?: string | Uint8Array;
  /** The key of `cert`. */
  key?: string | Uint8Array;
  /** More headers for every request to the server. */
  headers?: Readonly<Record<string, string>>;
  /** The namespace of targets that name none. @defaultValue that of the pod or of the kubeconfig's context, else `'default'` */
  namespace?: string;
  /** The path of a kubeconfig, whose current context is used: for development. YAML takes the package `yaml`. */
  kubeconfig?: string;
}

/** A service: its target, and how to deal with it. Durations are milliseconds or `'250ms' | '2s' | '1m' | '1h'`. */
export interface ServiceOptions extends ServiceDefaults {
  /**
   * Where its endpoints are found: `'dns://orders.internal:8080'`, `'static://10.0.0.1:80,10.0.0.2:80'`,
   * `'srv://_http._tcp.orders.internal'`, `'k8s://shop/orders:http'`, `'file:///etc/inmesh/orders.json'`; several of these, tried in order; or the
   * endpoints themselves.
   */
  target: Target;
}

/** How to deal with a service. `false` switches a policy off; a field left out keeps its default. */
export interface ServiceDefaults {
  /**
   * What is spoken with the endpoints. @defaultValue `'https'` where `tls` is given; else what discovery says of each
   * endpoint (`appProtocol` in Kubernetes); else `'http'`
   */
  protocol?: Protocol;
  /** How an endpoint is chosen for each request. @defaultValue `'p2c-peak-ewma'` */
  balancer?: BalancerName;
  /** How long a call may take in all: queueing, discovery, connecting, every attempt, the body. @defaultValue `'10s'` */
  deadline?: Duration;
  /** How long one attempt may take until its response head is there. @defaultValue `'3s'` */
  attemptTimeout?: Duration;
  /** How long connecting to an endpoint may take, TLS included. @defaultValue `'1s'` */
  connectTimeout?: Duration;
  /** Whether and how often failed attempts are repeated. */
  retry?: RetryOptions | false;
  /** When to stop calling a service that fails as a whole. */
  breaker?: BreakerOptions | false;
  /** When to stop sending to one endpoint that fails while its siblings do not. */
  outlier?: OutlierOptions | false;
  /**
   * The share of endpoints, 0 to 1, that must be healthy: with fewer, health is ignored and all of them are used, for
   * then it is rather the judgement that is wrong. @defaultValue `0.5`
   */
  panic?: number;
  /** How much may be in flight, and how much may wait. */
  limits?: LimitOptions;
  /** Certificates and how to verify the endpoints'. Its presence makes `https` the protocol, and plaintext an error. */
  tls?: TlsOptions;
}

/**
 * Certificates of a service. A string that contains `-----BEGIN` is the PEM text itself, any other string is the path
 * of a PEM file, read when the options are taken in.
 */
export interface TlsOptions {
  /** Who may have signed the endpoints' certificates. @defaultValue the authorities that Node trusts */
  ca?: string | Uint8Array;
  /** The certificate shown to endpoints that ask for one; needs `key`. */
  cert?: string | Uint8Array;
  /** The key of `cert`. */
  key?: string | Uint8Array;
  /** The oldest version that is spoken. @defaultValue `'TLSv1.2'` */
  minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** The name that endpoints must prove, where it is not the service's name. Not an IP address. */
  servername?: string;
  /** Replaces the check of an endpoint's name: returns what is wrong with the certificate, or undefined. */
  checkServerIdentity?: (hostname: string, certificate: PeerCertificate) => Error | undefined;
}
