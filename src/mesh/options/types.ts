import type { PeerCertificate } from 'node:tls';
import type { Clock } from '../../core/clock.ts';
import type { Duration } from '../../core/duration.ts';
import type { Logger } from '../../core/log.ts';
import type { Random } from '../../core/random.ts';
import type { EndpointInfo } from '../../model/endpoint.ts';

/**
 * Where a service's endpoints are found: `'dns://orders.internal:8080'`, `'static://10.0.0.1:80,10.0.0.2:80'`,
 * `'srv://_http._tcp.orders.internal'`, `'file:///etc/inmesh/orders.json'`; several of these, tried in order;
 * or the endpoints themselves.
 */
export type Target = string | readonly string[] | readonly EndpointInfo[];

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
  defaults?: ServiceDefaults | undefined;
  /**
   * What happens to a host that is no service: `'reject'` fails with `INMESH_UNKNOWN_SERVICE`, `'passthrough'` sends the
   * request there as if there were no mesh.
   * @defaultValue `'reject'` for `mesh.fetch` and `mesh.dispatch`, `'passthrough'` for `mesh.install()`
   */
  unknownService?: 'reject' | 'passthrough' | undefined;
  /**
   * Whether trace context (`traceparent`, `tracestate`, `baggage`) is written to requests: `'auto'` writes exactly one,
   * `'off'` leaves these headers as they are.
   * @defaultValue `'auto'`
   */
  propagation?: 'auto' | 'off' | undefined;
  /** Where time comes from: for tests. @defaultValue the process's clock */
  clock?: Clock | undefined;
  /** Where chance comes from: for tests. @defaultValue `Math.random` */
  random?: Random | undefined;
  /** What is told of things worth knowing: pino's shape. @defaultValue warnings through `process.emitWarning`, once a code */
  log?: Logger | undefined;
}

/** A service: its target, and how to deal with it. Durations are milliseconds or `'250ms' | '2s' | '1m' | '1h'`. */
export interface ServiceOptions extends ServiceDefaults {
  /** Where its endpoints are found. */
  target: Target;
}

/** How to deal with a service. `false` switches a policy off; a field left out keeps its default. */
export interface ServiceDefaults {
  /** What is spoken with the endpoints. @defaultValue `'http'`; `'https'` where `tls` is given */
  protocol?: Protocol | undefined;
  /** How an endpoint is chosen for each request. @defaultValue `'p2c-peak-ewma'` */
  balancer?: BalancerName | undefined;
  /** How long a call may take in all: queueing, discovery, connecting, every attempt, the body. @defaultValue `'10s'` */
  deadline?: Duration | undefined;
  /** How long one attempt may take until its response head is there. @defaultValue `'3s'` */
  attemptTimeout?: Duration | undefined;
  /** How long connecting to an endpoint may take, TLS included. @defaultValue `'1s'` */
  connectTimeout?: Duration | undefined;
  /** Whether and how often failed attempts are repeated. */
  retry?: ServiceRetryOptions | false | undefined;
  /** When to stop calling a service that fails as a whole. */
  breaker?: ServiceBreakerOptions | false | undefined;
  /** When to stop sending to one endpoint that fails while its siblings do not. */
  outlier?: ServiceOutlierOptions | false | undefined;
  /**
   * The share of endpoints, 0 to 1, that must be healthy: with fewer, health is ignored and all of them are used, for
   * then it is rather the judgement that is wrong. @defaultValue `0.5`
   */
  panic?: number | undefined;
  /** How much may be in flight, and how much may wait. */
  limits?: ServiceLimitOptions | undefined;
  /** Certificates and how to verify the endpoints'. Its presence makes `https` the protocol, and plaintext an error. */
  tls?: TlsOptions | undefined;
}

/** Retries, as a service is given them. */
export interface ServiceRetryOptions {
  /** How many attempts may follow the first, 0 to 10. @defaultValue `2` */
  max?: number | undefined;
  /** How many retries a service may get in relation to its traffic. */
  budget?:
    | {
        /** Retries per answered first attempt, 0 to 1. @defaultValue `0.2` */
        ratio?: number | undefined;
        /** Retries a second that are always allowed. @defaultValue `1` */
        floorPerSecond?: number | undefined;
        /** How long traffic counts. @defaultValue `'10s'` */
        window?: Duration | undefined;
      }
    | undefined;
  /** How long to wait before a retry: a random time up to `base`, doubling each time, never above `cap`. */
  backoff?:
    | {
        /** @defaultValue `'25ms'` */
        base?: Duration | undefined;
        /** @defaultValue `'1s'` */
        cap?: Duration | undefined;
      }
    | undefined;
  /** The largest request body, bytes, that is kept so that it can be sent again. @defaultValue `65536` */
  replayLimit?: number | undefined;
}

/** The breaker, as a service is given it. */
export interface ServiceBreakerOptions {
  /** The share of failed calls, above 0 to 1, that opens it. @defaultValue `0.5` */
  errorRate?: number | undefined;
  /** How many calls must be in the window before it may open. @defaultValue `20` */
  volume?: number | undefined;
  /** How far back it looks. @defaultValue `'10s'` */
  window?: Duration | undefined;
  /** How long it stays open at first, before one call may try. @defaultValue `'5s'` */
  open?: Duration | undefined;
  /** How long it stays open at most, after failed tries in a row. @defaultValue `'60s'` */
  openCap?: Duration | undefined;
}

/** Outlier ejection, as a service is given it. */
export interface ServiceOutlierOptions {
  /** Failures in a row that eject an endpoint. @defaultValue `5` */
  consecutive?: number | undefined;
  /** The success rate, 0 to 1, below which an endpoint is ejected if it is also worse than its siblings. @defaultValue `0.8` */
  successRate?: number | undefined;
  /** How far back the success rate looks. @defaultValue `'10s'` */
  window?: Duration | undefined;
  /** How many attempts must be in the window before the success rate counts. @defaultValue `20` */
  volume?: number | undefined;
  /** How long an endpoint is out the first time. @defaultValue `'5s'` */
  ejection?: Duration | undefined;
  /** How long it is out at most, after ejections in a row. @defaultValue `'300s'` */
  ejectionCap?: Duration | undefined;
  /** The share of a service's endpoints, 0 to 1, that may be out at once. @defaultValue `0.5` */
  maxEjected?: number | undefined;
}

/** Limits, as a service is given them. */
export interface ServiceLimitOptions {
  /** Attempts in flight to one endpoint. @defaultValue `1024` */
  perEndpoint?: number | undefined;
  /** Calls in flight to the service. @defaultValue `4096` */
  perService?: number | undefined;
  /** Calls that may wait when the service is at its limit; 0: none. @defaultValue `256` */
  queue?: number | undefined;
  /** How long a call may wait there. @defaultValue `'1s'` */
  queueTimeout?: Duration | undefined;
}

/**
 * Certificates of a service. A string that contains `-----BEGIN` is the PEM text itself, any other string is the path
 * of a PEM file, read when the options are taken in.
 */
export interface TlsOptions {
  /** Who may have signed the endpoints' certificates. @defaultValue the authorities that Node trusts */
  ca?: string | Uint8Array | undefined;
  /** The certificate shown to endpoints that ask for one; needs `key`. */
  cert?: string | Uint8Array | undefined;
  /** The key of `cert`. */
  key?: string | Uint8Array | undefined;
  /** The oldest version that is spoken. @defaultValue `'TLSv1.2'` */
  minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  /** The name that endpoints must prove, where it is not the service's name. Not an IP address. */
  servername?: string | undefined;
  /** Replaces the check of an endpoint's name: returns what is wrong with the certificate, or undefined. */
  checkServerIdentity?: ((hostname: string, certificate: PeerCertificate) => Error | undefined) | undefined;
}
