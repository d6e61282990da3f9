import type { Timer } from '../core/clock.ts';
import type { Env } from '../core/env.ts';
import { MeshError } from '../core/errors.ts';
import type { TimerNode } from '../core/timers.ts';
import { newPicker, type Pick as Picked, type Picker } from '../balancer/index.ts';
import { OutlierDetector } from '../health/index.ts';
import type { Call } from '../model/call.ts';
import { Endpoint, type EndpointInfo } from '../model/endpoint.ts';
import type { Resolver, Snapshot } from '../model/snapshot.ts';
import { isIdempotent } from '../model/request.ts';
import { resolveFailed, Waiter } from './discovery.ts';
import type { ServiceSettings } from './options/index.ts';

/** How long an ejected endpoint waits for a request that can be repeated before any request is sent to see how it is, ms. */
const PROBE_PATIENCE = 5_000;

/** So many endpoints of a snapshot are taken over in one turn of the event loop. */
const SLICE = 2_500;

/**
 * The live state of one service: its endpoints as discovery tells of them, their health, and the picker made of both.
 * Endpoint state is keyed by address and survives snapshots and configuration changes.
 */
export class Cluster {
  readonly name: string;
  readonly env: Env;
  readonly endpoints: Map<string, Endpoint> = new Map();
  settings: ServiceSettings;
  snapshot: Snapshot | undefined = undefined;
  detector: OutlierDetector | undefined = undefined;
  #resolver: Resolver;
  #stop: (() => void) | undefined;
  #picker: Picker | undefined;
  #dirty = false;
  /** The rest of a large snapshot that is being taken over. */
  #slice: Timer | undefined;
  readonly #waiters: Set<Waiter> = new Set();
  readonly #readiness: Set<() => void> = new Set();
  /** Gone from discovery with attempts still in flight; what comes back meanwhile is the same endpoint. */
  readonly #departed: Map<string, Endpoint> = new Map();

  constructor(settings: ServiceSettings, resolver: Resolver, env: Env) {
    this.name = settings.name;
    this.settings = settings;
    this.env = env;
    this.#resolver = resolver;
    this.detector = this.#newDetector();
  }

  /** What discovery watches, for people. */
  get target(): string {
    return this.#resolver.target;
  }

  /** Whether discovery has told of endpoints, or that there are none. */
  get isResolved(): boolean {
    return this.snapshot !== undefined && this.snapshot.state !== 'error';
  }

  /** Starts discovery, at the first call or at `ready()`; later calls change nothing. */
  start(): void {
    this.#stop ??= this.#resolver.watch((snapshot) => this.#apply(snapshot));
  }

  /** Waits for a first snapshot: until min(deadline, 5 s), and not at all where discovery has already failed. */
  whenResolved(call: Call): Promise<void> {
    this.start();
    const waiter = new Waiter(call, this.target, this.env, (settled) => this.#waiters.delete(settled));
    if (this.snapshot !== undefined) waiter.onSnapshot(this.snapshot);
    else this.#waiters.add(waiter);
    return waiter.settled;
  }

  /** Settles when discovery has told of endpoints, or that there are none: with undefined, or with why not by `deadline`. */
  async ready(deadline: number): Promise<MeshError | undefined> {
    this.start();
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting: TimerNode = { due: 0, prev: undefined, next: undefined, fire: resolve };
    this.env.timers.add(waiting, deadline);
    this.#readiness.add(resolve);
    if (this.isResolved) resolve();
    await promise;
    this.env.timers.remove(waiting);
    this.#readiness.delete(resolve);
    return this.isResolved ? undefined : resolveFailed(this.name, this.target, this.snapshot?.error);
  }

  /** Begins an attempt at an endpoint: one whose ejection has run out, to see how it is, or the balancer's choice. */
  pick(call: Call): Picked | undefined {
    const probe = this.#probeFor(call);
    if (probe !== undefined) return newPicker(this.settings.balancer, [probe], this.env, this.#picker).pick(call);
    const picked = this.picker.pick(call, call.begun);
    return picked !== undefined && this.#isFull(picked.endpoint) ? this.#pickAnother(call, picked) : picked;
  }

  #isFull({ inFlight }: Endpoint): boolean {
    return inFlight > this.settings.limits.perEndpoint;
  }

  /** One that is not at its limit; where there is none, the last that was looked at, which will refuse. */
  #pickAnother(call: Call, full: Picked): Picked {
    let picked = full;
    for (const tried = [...call.tried]; this.#isFull(picked.endpoint) && !tried.includes(picked.endpoint);) {
      tried.push(picked.endpoint);
      const another = this.picker.pick({ tried }, call.begun)!;
      picked.done({ kind: 'ignored', latency: 0, at: call.begun });
      picked = another;
    }
    return picked;
  }

  /** A first attempt that can be repeated elsewhere risks nothing by trying; others go only where none of those came. */
  #probeFor(call: Call): Endpoint | undefined {
    if (this.detector === undefined || call.attempt > 0) return undefined;
    const patience = isIdempotent(call.request) ? 0 : PROBE_PATIENCE;
    return this.detector.takeProbe(call.begun - patience);
  }

  /** The picker for what is eligible now. */
  get picker(): Picker {
    if (this.#picker === undefined || this.#dirty) {
      this.#dirty = false;
      this.#picker = newPicker(this.settings.balancer, this.eligible(), this.env, this.#picker);
    }
    return this.#picker;
  }

  /** Endpoints that take traffic: of those that health lets through, the ones of the lowest priority. */
  eligible(): readonly Endpoint[] {
    const healthy = this.detector?.eligible() ?? [...this.endpoints.values()];
    let first = Infinity;
    let mixed = false;
    for (const { priority } of healthy) {
      if (first !== Infinity && priority !== first) mixed = true;
      if (priority < first) first = priority;
    }
    return mixed ? healthy.filter((endpoint) => endpoint.priority === first) : healthy;
  }

  /** Takes over new settings; a new resolver, if its target changed, begins where the old one ended. */
  reconfigure(settings: ServiceSettings, resolver?: Resolver): void {
    const outlierChanged =
      JSON.stringify([settings.outlier, settings.panic]) !==
      JSON.stringify([this.settings.outlier, this.settings.panic]);
    this.settings = settings;
    this.#dirty = true;
    if (outlierChanged) {
      this.detector = this.#newDetector();
      if (this.detector === undefined) this.#forgive();
      this.detector?.update([...this.endpoints.values()]);
    }
    if (resolver === undefined) return;
    const watching = this.#stop !== undefined;
    this.#stop?.();
    this.#stop = undefined;
    this.#resolver = resolver;
    if (watching) this.start();
  }

  /** Stops discovery; who still waits for it is told that the mesh is closed. */
  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#slice?.cancel();
    const closed = new MeshError('INMESH_CLOSED', `The mesh was closed while ${this.name} was being resolved`, {
      sent: false,
    });
    for (const waiter of this.#waiters) waiter.onAbort(closed);
    for (const ready of this.#readiness) ready();
  }

  /** Lets go of all connections, those of endpoints that are gone included. */
  async disconnect(how: 'close' | 'destroy'): Promise<void> {
    const all = [...this.endpoints.values(), ...this.#departed.values()];
    await Promise.all(all.map((endpoint) => disconnect(endpoint, how)));
  }

  #newDetector(): OutlierDetector | undefined {
    const { outlier, panic } = this.settings;
    if (outlier === false) return undefined;
    const detector = new OutlierDetector({ ...outlier, panic }, this.env);
    detector.onChange((endpoint) => {
      this.#dirty = true;
      // Idle connections of one that went silent may be as dead as those that told: it is tried again over new ones.
      if (endpoint.state === 'ejected') void disconnect(endpoint, 'close');
    });
    return detector;
  }

  /** Nobody judges any more: what was ejected is as good as the rest. */
  #forgive(): void {
    for (const endpoint of this.endpoints.values()) {
      if (endpoint.state !== 'ejected') continue;
      endpoint.state = 'healthy';
      endpoint.reason = undefined;
    }
  }

  /** Takes over what discovery tells, a slice a turn, so that ten thousand endpoints do not hold up the event loop. */
  #apply(snapshot: Snapshot): void {
    this.#slice?.cancel();
    this.#slice = undefined;
    if (snapshot.state === 'error' || snapshot.endpoints === this.snapshot?.endpoints) this.#tell(snapshot);
    else this.#adopt(snapshot, 0);
  }

  #adopt(snapshot: Snapshot, from: number): void {
    const { endpoints } = snapshot;
    const to = Math.min(from + SLICE, endpoints.length);
    for (let index = from; index < to; index++) this.#meet(endpoints[index]!, snapshot);
    if (to < endpoints.length) {
      this.#slice = this.env.clock.schedule(0, () => this.#adopt(snapshot, to));
      this.#slice.ref();
      return;
    }
    this.#slice = undefined;
    for (const [address, { inFlight }] of this.#departed) if (inFlight === 0) this.#departed.delete(address);
    for (const endpoint of this.endpoints.values()) if (endpoint.snapshot !== snapshot) this.#depart(endpoint);
    this.detector?.update([...this.endpoints.values()]);
    this.#dirty = true;
    this.#tell(snapshot);
  }

  #tell(snapshot: Snapshot): void {
    this.snapshot = snapshot;
    for (const waiter of this.#waiters) waiter.onSnapshot(snapshot);
    if (this.isResolved) for (const ready of this.#readiness) ready();
  }

  #meet(info: EndpointInfo, snapshot: Snapshot): void {
    let endpoint = this.endpoints.get(info.address) ?? this.#returned(info.address);
    if (endpoint === undefined) this.endpoints.set(info.address, (endpoint = new Endpoint(info)));
    else {
      // Connections are of one protocol.
      if (endpoint.protocol !== info.protocol) void disconnect(endpoint, 'close');
      endpoint.update(info);
    }
    endpoint.snapshot = snapshot;
  }

  #returned(address: string): Endpoint | undefined {
    const endpoint = this.#departed.get(address);
    if (endpoint === undefined) return undefined;
    this.#departed.delete(address);
    this.endpoints.set(address, endpoint);
    endpoint.state = 'healthy';
    endpoint.reason = undefined;
    return endpoint;
  }

  #depart(endpoint: Endpoint): void {
    this.endpoints.delete(endpoint.address);
    endpoint.state = 'draining';
    endpoint.reason = 'gone from discovery';
    if (endpoint.inFlight > 0) this.#departed.set(endpoint.address, endpoint);
    void disconnect(endpoint, 'close').then(() => {
      if (this.#departed.get(endpoint.address) === endpoint && endpoint.inFlight === 0)
        this.#departed.delete(endpoint.address);
    });
  }
}

async function disconnect(endpoint: Endpoint, how: 'close' | 'destroy'): Promise<void> {
  const { connection } = endpoint;
  endpoint.connection = undefined;
  await connection?.[how]();
}
