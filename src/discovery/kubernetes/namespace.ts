import type { Timer } from '../../core/clock.ts';
import type { Env } from '../../core/env.ts';
import type { Fault } from '../../resolver/index.ts';
import type { Api } from './api.ts';
import { SERVICE_LABEL, type Slice, Strings } from './slice.ts';
import { SliceWatch, type Slices } from './watch.ts';

/** Up to so many services of a namespace are watched one by one; with more, the namespace is watched as a whole. */
export const WATCHED_SINGLY = 8;

/** What is known of one service's slices. */
export interface Known {
  /** Undefined before the first list. */
  readonly slices: Slices | undefined;
  /** Why it may be out of date. */
  readonly fault: Fault | undefined;
}

/** The slices of one namespace, watched once for all who want any. */
export class NamespaceSlices {
  readonly namespace: string;
  readonly #api: Api;
  readonly #env: Env;
  readonly #strings: Strings = new Strings();
  readonly #listeners: Map<string, Set<() => void>> = new Map();
  readonly #singles: Map<string, Watching> = new Map();
  #whole: Watching | undefined;
  #arranging: Timer | undefined;

  constructor(api: Api, namespace: string, env: Env) {
    this.#api = api;
    this.namespace = namespace;
    this.#env = env;
  }

  /** Whether anybody wants anything. */
  get isIdle(): boolean {
    return this.#listeners.size === 0;
  }

  /** Calls `listener` whenever something about `service` has changed, never in the same turn. */
  watch(service: string, listener: () => void): () => void {
    let listeners = this.#listeners.get(service);
    if (listeners === undefined) this.#listeners.set(service, (listeners = new Set()));
    listeners.add(listener);
    // Services that are asked for together are counted together.
    if (this.#arranging === undefined) {
      this.#arranging = this.#env.clock.schedule(0, () => this.#arrange());
      this.#arranging.ref();
    }
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(service) === listeners) this.#leave(service);
    };
  }

  of(service: string): Known {
    const watching = this.#whole?.isKnown === true ? this.#whole : (this.#singles.get(service) ?? this.#whole);
    return { slices: watching?.slicesOf(service), fault: watching?.fault };
  }

  #arrange(): void {
    this.#arranging = undefined;
    if (this.#whole === undefined && this.#listeners.size > WATCHED_SINGLY) {
      // What is watched singly goes on until the whole is known: nothing is missed between the two.
      this.#whole = new Watching(this.#api, this.namespace, SERVICE_LABEL, this.#strings, this.#env, (service) => {
        if (this.#whole!.isKnown) this.#stopSingles();
        this.#tell(service);
      });
    }
    if (this.#whole?.isKnown === true) this.#tell(undefined);
    else if (this.#whole === undefined) for (const service of this.#listeners.keys()) this.#watchSingly(service);
  }

  #watchSingly(service: string): void {
    if (this.#singles.has(service)) {
      this.#tell(service);
      return;
    }
    const selector = `${SERVICE_LABEL}=${service}`;
    const watching = new Watching(this.#api, this.namespace, selector, this.#strings, this.#env, () =>
      this.#tell(service),
    );
    this.#singles.set(service, watching);
  }

  #leave(service: string): void {
    this.#listeners.delete(service);
    this.#singles.get(service)?.stop();
    this.#singles.delete(service);
    if (!this.isIdle) return;
    this.#arranging?.cancel();
    this.#arranging = undefined;
    this.#whole?.stop();
    this.#whole = undefined;
  }

  #stopSingles(): void {
    for (const single of this.#singles.values()) single.stop();
    this.#singles.clear();
  }

  /** @param service undefined: all. */
  #tell(service: string | undefined): void {
    if (service === undefined) for (const listeners of this.#listeners.values()) call(listeners);
    else call(this.#listeners.get(service) ?? []);
  }
}

function call(listeners: Iterable<() => void>): void {
  for (const listener of listeners) listener();
}

/** One watch, its slices by service. */
class Watching {
  fault: Fault | undefined;
  #byService: Map<string, Map<string, Slice>> | undefined;
  readonly #watch: SliceWatch;

  constructor(
    api: Api,
    namespace: string,
    selector: string,
    strings: Strings,
    env: Env,
    tell: (service: string | undefined) => void,
  ) {
    this.#watch = new SliceWatch(api, namespace, selector, strings, env, {
      replaced: (slices) => {
        this.#byService = new Map();
        for (const slice of slices.values()) this.#put(slice);
        tell(undefined);
      },
      changed: (slice) => {
        this.#put(slice);
        tell(slice.service);
      },
      removed: ({ service, name }) => {
        const slices = this.#byService?.get(service);
        slices?.delete(name);
        if (slices?.size === 0) this.#byService!.delete(service);
        tell(service);
      },
      fault: (fault) => {
        if (this.fault === fault) return;
        this.fault = fault;
        tell(undefined);
      },
    });
  }

  get isKnown(): boolean {
    return this.#byService !== undefined;
  }

  slicesOf(service: string): Slices | undefined {
    return this.#byService === undefined ? undefined : (this.#byService.get(service) ?? NONE);
  }

  stop(): void {
    this.#watch.stop();
  }

  #put(slice: Slice): void {
    let slices = this.#byService!.get(slice.service);
    if (slices === undefined) this.#byService!.set(slice.service, (slices = new Map<string, Slice>()));
    slices.set(slice.name, slice);
  }
}

const NONE: Slices = new Map();
