import { PeakEwma } from '../core/ewma.ts';

/** One place where a service answers, as a resolver tells of it. */
export interface EndpointInfo {
  /** `host:port`, IPv6 in brackets. Its identity: the state kept for an endpoint is keyed by it. */
  readonly address: string;
  /** Its share of traffic relative to others; default 1. 0: none, while any other has more. */
  readonly weight?: number;
  readonly zone?: string;
  /** 0 is used first; higher ones only when the lower have failed. Default 0. */
  readonly priority?: number;
  readonly metadata?: Readonly<Record<string, string>>;
  /** What it speaks, where the service does not say: `appProtocol` in Kubernetes. */
  readonly protocol?: 'http' | 'https' | 'h2' | 'h2c';
}

/** `healthy`; `warming` (slow start); `unhealthy` (active check failed); `ejected` (passive); `draining` (gone from discovery, in flight). */
export type EndpointState = 'healthy' | 'warming' | 'unhealthy' | 'ejected' | 'draining';

/** What passive health keeps for an endpoint; made by `health/` at its first outcome, carried here so that finding it costs nothing. */
export interface EndpointHealth {
  /** Failures in a row. */
  readonly streak: number;
  /** When an ejected endpoint may be tried again, on the monotonic clock, ms. */
  readonly due: number;
}

/** What the transport keeps for an endpoint; made at the first request, let go when idle. */
export interface EndpointConnection {
  /** Lets what is in flight finish, then closes. */
  close(): Promise<void>;
  /** Cuts what is in flight. */
  destroy(): Promise<void>;
}

/**
 * The live state of one endpoint. It is found by address and survives discovery updates: load, health and
 * connections stay while weight, zone, priority and metadata follow the newest snapshot.
 */
export class Endpoint {
  readonly address: string;
  readonly host: string;
  readonly port: number;
  weight = 1;
  zone: string | undefined = undefined;
  priority = 0;
  metadata: Readonly<Record<string, string>> | undefined = undefined;
  protocol: EndpointInfo['protocol'] | undefined = undefined;
  state: EndpointState = 'healthy';
  /** Why it is not `healthy`, in words. */
  reason: string | undefined = undefined;
  /** Attempts begun and not yet ended, bodies included. */
  inFlight = 0;
  /** Its latency and success as balancers see them. */
  readonly load: PeakEwma = new PeakEwma();
  health: EndpointHealth | undefined = undefined;
  connection: EndpointConnection | undefined = undefined;
  /** The snapshot that named it last. */
  snapshot: object | undefined = undefined;

  /** @throws RangeError where the address is not `host:port`. */
  constructor(info: EndpointInfo) {
    const { host, port } = parseAddress(info.address);
    this.address = info.address;
    this.host = host;
    this.port = port;
    this.update(info);
  }

  /** Takes over what a newer snapshot says of it. */
  update(info: EndpointInfo): void {
    this.weight = info.weight ?? 1;
    this.zone = info.zone;
    this.priority = info.priority ?? 0;
    this.metadata = info.metadata;
    this.protocol = info.protocol;
  }
}

/**
 * Splits `host:port`; the host of `[::1]:80` is `::1`.
 * @throws RangeError where it is neither.
 */
export function parseAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([0-9A-Fa-f:.%a-z]+)\]|([^\s:/?#@[\]\\]+)):(\d{1,5})$/.exec(address);
  const port = match === null ? NaN : Number(match[3]);
  if (match === null || port < 1 || port > 65_535) {
    throw new RangeError(`${JSON.stringify(address)} is no address; write host:port or [ipv6]:port, port 1 to 65535`);
  }
  return { host: (match[1] ?? match[2])!, port };
}
