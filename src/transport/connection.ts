import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { PeerCertificate } from 'node:tls';
import type { Dispatcher } from 'undici';
import type { Env } from '../core/env.ts';
import { MeshError } from '../core/errors.ts';
import { isLate, type TimerNode } from '../core/timers.ts';
import type { Endpoint, EndpointConnection } from '../model/endpoint.ts';
import { markReuse } from './reuse.ts';
import { Lanes, type LaneUser } from './lanes.ts';
import { buildConnector, type Client, Pool } from './undici.ts';
import { verifier } from './verify.ts';

/** How the endpoints of one service are reached. */
export interface ConnectionSettings {
  readonly service: string;
  readonly protocol: 'http' | 'https' | 'h2' | 'h2c';
  /** Milliseconds for TCP and TLS together. */
  readonly connectTimeout: number;
  /** Most connections to one endpoint. */
  readonly connections: number;
  readonly tls?: TlsIdentity;
}

/** What is proved to an endpoint, and what it must prove. */
export interface TlsIdentity {
  readonly servername?: string;
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  readonly checkServerIdentity?: (hostname: string, certificate: PeerCertificate) => Error | undefined;
}

/** Whether the bytes are encrypted. */
export function isSecure(protocol: ConnectionSettings['protocol']): boolean {
  return protocol === 'https' || protocol === 'h2';
}

/** Streams that one HTTP/2 connection carries: what servers allow by default. */
const STREAMS = 100;

type Connect = (options: buildConnector.Options, callback: buildConnector.Callback) => Socket;

/**
 * Runs something in no asynchronous context. A socket keeps the context that it was made in for life, and what it
 * receives is delivered in it: made in that of the first request, it would show that one's span, and the suppression of
 * tracing in which attempts are sent, to whoever listens to a later body; and keep all of it from being collected.
 */
const outside = AsyncLocalStorage.snapshot();

/** What sends requests to one endpoint, and tells a user of lanes which it got. */
export interface Lines {
  dispatch(request: Dispatcher.DispatchOptions, user: LaneUser): boolean;
  adopt?(socket: Duplex): void;
  close(): Promise<void>;
  destroy(): Promise<void>;
}

/**
 * The connections of one endpoint. Its origin is the service's name and its connector dials the endpoint's address, so that
 * `Host`, `:authority`, SNI and the certificate check all speak of the service without a header being written per
 * request. undici's own timers stay off: they are seconds coarse, and deadlines are the mesh's matter.
 */
export class Connection implements EndpointConnection {
  /** Sends requests: many at a time over each connection, or one. */
  readonly lines: Lines;
  /** Not connected yet: undici, when destroyed, would let them go on. */
  readonly #connecting: Set<Socket> = new Set();

  constructor(endpoint: Endpoint, dial: Connect, settings: ConnectionSettings) {
    const { protocol, service } = settings;
    const multiplexed = protocol === 'h2' || protocol === 'h2c';
    const { host, port } = endpoint;
    const origin = `${isSecure(protocol) ? 'https' : 'http'}://${service}`;
    const options: Client.Options = {
      connect: (options, callback) => {
        const socket = outside(dial, { ...options, hostname: host, port: String(port) }, (...result) => {
          this.#connecting.delete(socket);
          callback(...result);
        });
        this.#connecting.add(socket);
      },
      pipelining: multiplexed ? STREAMS : 1,
      allowH2: multiplexed,
      ...(protocol === 'h2c' ? { useH2c: true } : {}),
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    const connections = Math.ceil(settings.connections / STREAMS);
    this.lines = multiplexed ? new Pool(origin, { ...options, connections }) : new Lanes(origin, options);
  }

  close(): Promise<void> {
    return this.lines.close();
  }

  destroy(): Promise<void> {
    const destroyed = this.lines.destroy();
    for (const socket of this.#connecting) socket.destroy(new Error('The connection is no longer wanted'));
    return destroyed;
  }
}

/** Dials with a time-out of our own, which covers TCP and TLS; one for all endpoints of a service. */
export function createDialer(settings: ConnectionSettings, env: Env): Connect {
  const { protocol, service, connectTimeout } = settings;
  const { servername, checkServerIdentity: check, ...identity } = settings.tls ?? {};
  const multiplexed = protocol === 'h2' || protocol === 'h2c';
  const connect = buildConnector({
    ...(identity as object),
    ...(check === undefined ? {} : { checkServerIdentity: verifier(service, check) }),
    allowH2: multiplexed,
    preferH2: protocol === 'h2',
    useH2c: protocol === 'h2c',
    timeout: 0,
  } as buildConnector.BuildOptions);
  const name = isSecure(protocol) ? (servername ?? service) : undefined;
  return (options, callback) => {
    const { servername: _ignored, ...address } = options;
    const socket = connect(name === undefined ? address : { ...address, servername: name }, (...result) => {
      env.timers.remove(timer);
      callback(...result);
    }) as unknown as Socket;
    markReuse(socket);
    // After a TLS alert Node tells of the error and then of the end, which would take the error's place.
    socket.prependListener('error', () => socket.destroy());
    const fire = (): void => {
      // Where this process stood still there may have been no time to shake hands; it is given again.
      if (isLate(timer, env.clock)) env.timers.add(timer, env.clock.now() + connectTimeout);
      else socket.destroy(connectTimedOut(settings, options));
    };
    const timer: TimerNode = { due: 0, prev: undefined, next: undefined, fire };
    env.timers.add(timer, env.clock.now() + connectTimeout);
    return socket;
  };
}

function connectTimedOut(
  { service, connectTimeout }: ConnectionSettings,
  { hostname, port }: buildConnector.Options,
): MeshError {
  const endpoint = `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`;
  return new MeshError(
    'INMESH_CONNECT_FAILED',
    `No connection to ${service} at ${endpoint} within ${connectTimeout}ms`,
    {
      service,
      endpoint,
      sent: false,
    },
  );
}
