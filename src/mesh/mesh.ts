import { isDeepStrictEqual } from 'node:util';
import { LRUCache } from 'lru-cache';
import type { Dispatcher as UndiciDispatcher } from 'undici';
import { createEnv, type Env } from '../core/env.ts';
import { MeshError } from '../core/errors.ts';
import { type Duration, tryParseDuration } from '../core/duration.ts';
import type { Call } from '../model/call.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Service } from '../model/service.ts';
import { CallSignal } from '../model/signal.ts';
import type { Stack } from '../model/stack.ts';
import { createResolver, type Schemes, standardSchemes } from '../resolver/index.ts';
import { context, deadlineOn } from '../telemetry/index.ts';
import { Deliveries } from '../transport/deliveries.ts';
import { Delivery } from '../transport/delivery.ts';
import { requestOf } from '../transport/request.ts';
import { createFetch } from '../transport/fetch/index.ts';
import { currentHandler, Dispatcher } from '../transport/undici.ts';
import { abortAll, closedError, closeMesh } from './closing.ts';
import { globalDispatchers, installGlobally, passThrough } from './install.ts';
import { type MeshOptions, type MeshSettings, parseOptions } from './options/index.ts';
import { type Route, Routes } from './routes.ts';
import { type MeshContext, ServiceRuntime } from './runtime.ts';
import { ServiceView } from './service-view.ts';
import { type StackContext, standardStack } from './stack.ts';

/** What targets may begin with, given how control planes are reached. Those who know more schemes pass them in. */
export type Discovery = (settings: Pick<MeshSettings, 'kubernetes'>) => Schemes;

/** Connections are kept for this many endpoints in one mesh; those that were made first are closed first. */
const CONNECTED_ENDPOINTS = 2_048;

/** A mesh in this process. Where undici takes a dispatcher it takes a mesh; `mesh.fetch` is fetch. */
export class Mesh extends Dispatcher {
  // No #private fields: undici's compose() hands out a Proxy, through which they can't be reached.
  /** @internal */ readonly _env: Env;
  /** @internal */ readonly _discovery: Discovery;
  /** @internal */ readonly _runtimes: Map<string, ServiceRuntime> = new Map();
  /** @internal */ readonly _active: Deliveries = new Deliveries();
  /** @internal */ readonly _stack: Stack<StackContext>;
  /** @internal */ readonly _connected: LRUCache<Endpoint, Endpoint>;
  /** @internal */ readonly _context: MeshContext;
  /** @internal */ _routes: Routes;
  /** @internal */ _settings: MeshSettings;
  /** @internal */ _passthrough: UndiciDispatcher['dispatch'] | undefined = undefined;
  /** @internal */ _closed: Promise<void> | undefined = undefined;
  /** @internal */ _onIdle: (() => void) | undefined = undefined;

  /** The global fetch's signature and classes; hosts that name a service go to its endpoints. */
  readonly fetch: typeof globalThis.fetch;

  /** @throws MeshError `INMESH_CONFIG`, which lists every problem of the options. */
  constructor(options: MeshOptions, discovery: Discovery = () => standardSchemes) {
    super();
    this._discovery = discovery;
    this._settings = parseOptions(options, discovery({}));
    this._env = createEnv(this._settings.env);
    this._stack = standardStack();
    this._stack._changed = () => this._runtimes.forEach((runtime) => runtime.rebuild());
    this._connected = new LRUCache({ max: CONNECTED_ENDPOINTS, dispose: (endpoint) => void release(endpoint) });
    this._context = {
      env: this._env,
      stack: this._stack,
      propagation: () => this._settings.propagation,
      resolve: (settings) => createResolver(settings.target, this._env, discovery(this._settings)),
      onConnect: (endpoint) => this._connected.set(endpoint, endpoint),
    };
    this._adopt(this._settings);
    this._routes = this._newRoutes();
    this.fetch = createFetch(this);
  }

  /**
   * Sends one request; every other door leads here. Takes the handlers of undici 6, 7 and 8 and of built-in fetch.
   * @returns true: the mesh queues by itself.
   */
  override dispatch(options: UndiciDispatcher.DispatchOptions, handler: UndiciDispatcher.DispatchHandler): boolean {
    return this._send(options, handler, this._routes.of(options.origin));
  }

  /** @internal */
  _send(options: UndiciDispatcher.DispatchOptions, handler: UndiciDispatcher.DispatchHandler, route: Route): boolean {
    if (route.kind === 'passthrough') return route.dispatch(options, handler);
    const sink = currentHandler(handler);
    const now = this._env.clock.now();
    const inherited = context.current();
    const call: Call = {
      request: requestOf(options),
      service: route.service,
      attempt: 0,
      start: now,
      begun: now,
      deadline: inherited === undefined ? Infinity : deadlineOn(this._env.clock, inherited),
      attemptTimeout: Infinity,
      signal: new CallSignal(),
      criticality: inherited?.criticality ?? 'default',
      tried: NONE,
    };
    const delivery = new Delivery(call, sink, this._env, this._settled);
    this._active.add(delivery);
    delivery.begin(route.kind === 'refused' || this._closed !== undefined ? refusing(route) : route.runtime.service);
    return true;
  }

  /** @internal */
  _settled: (delivery: Delivery) => void = (delivery) => {
    this._active.delete(delivery);
    if (this._active.size === 0) this._onIdle?.();
  };

  /** What built-in fetch takes as `dispatcher`, on Node 22, 24 and 26: `fetch(url, { dispatcher: mesh.dispatcher })`. */
  get dispatcher(): FetchDispatcher {
    return this as unknown as FetchDispatcher;
  }

  /**
   * Lets all of the process's built-in fetch and npm undici requests go through the mesh; hosts that are no service pass
   * through to where they went before, unless `unknownService` is `'reject'`.
   * @returns undoes it; also `Symbol.dispose`.
   */
  install(): Disposable & (() => void) {
    return installGlobally(this);
  }

  /** The order of layers, and where to put one's own. */
  get stack(): Stack<StackContext> {
    return this._stack;
  }

  /**
   * The live view of one service.
   * @throws MeshError `INMESH_UNKNOWN_SERVICE`
   */
  service(name: string): ServiceView {
    const runtime = this._runtimes.get(name.toLowerCase());
    if (runtime === undefined) throw this._routes.unknown(name);
    return new ServiceView(runtime, this._env);
  }

  /** Plain JSON of everything: services, endpoints, health, budgets, and the stack. */
  snapshot(): MeshSnapshot {
    const services: Record<string, ReturnType<ServiceView['snapshot']>> = {};
    for (const [name, runtime] of this._runtimes) services[name] = new ServiceView(runtime, this._env).snapshot();
    return { services, stack: this._stack.describe(), inFlight: this._active.size };
  }

  /**
   * Waits until every service has resolved once.
   * @throws MeshError `INMESH_RESOLVE_FAILED`, which lists those that have not within `timeout` (default 5 s).
   */
  async ready({ timeout = '5s' }: { timeout?: Duration } = {}): Promise<void> {
    if (this._closed !== undefined) throw closedError('any service');
    const { clock } = this._env;
    const deadline = clock.now() + durationOf(timeout, 'ready: timeout');
    const failures = await Promise.all([...this._runtimes.values()].map((runtime) => runtime.cluster.ready(deadline)));
    const missing = failures.filter((failure) => failure !== undefined);
    if (missing.length === 0) return;
    const list = missing.map(({ message }) => `\n- ${message}`).join('');
    throw new MeshError(
      'INMESH_RESOLVE_FAILED',
      `${missing.length} of ${failures.length} services are not ready:${list}`,
      {
        cause: missing[0],
      },
    );
  }

  /**
   * Takes over new options: checked whole, applied at once. What did not change keeps its state; endpoints that stay
   * keep their connections, health and load.
   * @throws MeshError `INMESH_CONFIG`; the options before stay in force.
   */
  // oxlint-disable-next-line require-await -- a promise, so that options may come from further away one day
  async update(options: MeshOptions): Promise<void> {
    if (this._closed !== undefined) throw closedError('any service');
    const settings = parseOptions(options, this._discovery({}));
    const rediscover = !isDeepStrictEqual(settings.kubernetes, this._settings.kubernetes);
    this._settings = settings;
    this._adopt(settings, rediscover);
    for (const [name, runtime] of this._runtimes) {
      if (settings.services.has(name)) continue;
      this._runtimes.delete(name);
      runtime.cluster.stop();
      void runtime.cluster.disconnect('close');
    }
    this._routes = this._newRoutes();
  }

  /**
   * Takes no new calls, waits up to `drain` (default 10 s) for those in flight, then aborts the rest, closes every
   * connection and stops discovery. Nothing keeps the process alive afterwards.
   */
  override close(options?: { drain?: Duration }): Promise<void>;
  override close(callback: () => void): void;
  override close(options: { drain?: Duration } | (() => void) = {}): Promise<void> | void {
    if (typeof options === 'function') return void this.close().then(() => options());
    try {
      this._closed ??= closeMesh(this, durationOf(options.drain ?? '10s', 'close: drain'));
    } catch (error) {
      return Promise.reject(error);
    }
    return this._closed;
  }

  /** Cuts what is in flight and closes at once. */
  override destroy(error?: Error | null): Promise<void>;
  override destroy(onDestroyed: () => void): void;
  override destroy(error: Error | null, onDestroyed: () => void): void;
  override destroy(error?: Error | null | (() => void), onDestroyed?: () => void): Promise<void> | void {
    if (typeof error === 'function') return void this.destroy().then(() => error());
    abortAll(this, error ?? undefined);
    const destroyed = this.close({ drain: 0 });
    return onDestroyed === undefined ? destroyed : void destroyed.then(() => onDestroyed());
  }

  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  _newRoutes(): Routes {
    if (this._settings.unknownService !== 'passthrough') return new Routes(this._runtimes, undefined);
    // As the process was before this mesh was installed, or the way out would lead back in.
    this._passthrough ??= passThrough(globalDispatchers());
    return new Routes(this._runtimes, this._passthrough);
  }

  /** @internal */
  _adopt(settings: MeshSettings, rediscover = false): void {
    // In one message: the default logger says each code once.
    if (settings.warnings.length > 0) this._env.log.warn({ code: 'INMESH_CONFIG' }, settings.warnings.join('\n'));
    for (const [name, service] of settings.services) {
      const runtime = this._runtimes.get(name);
      if (runtime === undefined) this._runtimes.set(name, new ServiceRuntime(service, this._context));
      else runtime.update(service, rediscover);
    }
  }
}

/** The dispatcher that the fetch of this Node's types takes; undici's own, where these types know of none. */
export type FetchDispatcher = RequestInit extends { dispatcher?: infer D } ? NonNullable<D> : UndiciDispatcher;

/** What `mesh.snapshot()` gives. */
export interface MeshSnapshot {
  readonly services: Readonly<Record<string, ReturnType<ServiceView['snapshot']>>>;
  readonly stack: readonly { role: string; why: string }[];
  readonly inFlight: number;
}

/** @throws MeshError `INMESH_REQUEST_INVALID` where it is no duration. */
function durationOf(given: Duration, name: string): number {
  const ms = tryParseDuration(given);
  if (ms !== undefined) return ms;
  const message = `${name} is ${String(given).slice(0, 60)}; give milliseconds or '250ms', '2s', '1m', '1h'`;
  throw new MeshError('INMESH_REQUEST_INVALID', message, { sent: false });
}

/** Answers every call with why it can't be sent: its host is no service, or the mesh is closed. */
function refusing(route: Exclude<Route, { kind: 'passthrough' }>): Service {
  const error = route.kind === 'refused' ? route.error() : closedError(route.service);
  return () => Promise.reject(error);
}

const NONE: readonly Endpoint[] = [];

/** Closes the connection of an endpoint; its next request makes another. */
async function release(endpoint: Endpoint): Promise<void> {
  const { connection } = endpoint;
  endpoint.connection = undefined;
  await connection?.close();
}
