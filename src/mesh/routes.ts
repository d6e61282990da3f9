import { LRUCache } from 'lru-cache';
import type { Dispatcher } from 'undici';
import { MeshError } from '../core/errors.ts';
import type { ServiceRuntime } from './runtime.ts';

/** Where a request of some origin goes. */
export type Route =
  | { readonly kind: 'service'; readonly service: string; readonly runtime: ServiceRuntime }
  | { readonly kind: 'refused'; readonly service: string; readonly error: () => MeshError }
  | { readonly kind: 'passthrough'; readonly dispatch: Dispatcher['dispatch'] };

/** How many origins are remembered: callers choose them, so there must be an end. */
const REMEMBERED = 1_000;

/** Finds the service that a request's origin names. */
export class Routes {
  readonly #runtimes: ReadonlyMap<string, ServiceRuntime>;
  readonly #passthrough: Dispatcher['dispatch'] | undefined;
  readonly #known: LRUCache<string, Route> = new LRUCache({ max: REMEMBERED });

  // Callers ask for the same service many times in a row.
  #lastOrigin: string | undefined;
  #lastRoute: Route | undefined;

  /** @param passthrough where hosts go that are no service; refused without it. */
  constructor(runtimes: ReadonlyMap<string, ServiceRuntime>, passthrough: Dispatcher['dispatch'] | undefined) {
    this.#runtimes = runtimes;
    this.#passthrough = passthrough;
  }

  /** The route of an origin: a URL or its text, `http://orders`. */
  of(origin: string | URL | undefined): Route {
    if (typeof origin === 'string' && origin === this.#lastOrigin && this.#lastRoute !== undefined)
      return this.#lastRoute;
    const key = typeof origin === 'string' ? origin : String(origin?.origin);
    let route = this.#known.get(key);
    if (route === undefined) this.#known.set(key, (route = this.#find(key)));
    this.#lastOrigin = key;
    this.#lastRoute = route;
    return route;
  }

  /** The error for a host that is no service. */
  unknown(host: string): MeshError {
    const names = [...this.#runtimes.keys()];
    const known = names.length === 0 ? 'it has no services' : `its services are ${names.slice(0, 10).join(', ')}`;
    const message = `${JSON.stringify(host)} is no service of this mesh; ${known}. Add it to services, or set unknownService: 'passthrough'`;
    return new MeshError('INMESH_UNKNOWN_SERVICE', message, { service: host, sent: false });
  }

  #find(origin: string): Route {
    const url = URL.parse(origin);
    const host = url?.hostname ?? origin;
    const runtime = this.#runtimes.get(host);
    if (runtime === undefined || url === null) {
      if (this.#passthrough !== undefined && url !== null) return { kind: 'passthrough', dispatch: this.#passthrough };
      return { kind: 'refused', service: host, error: () => this.unknown(host) };
    }
    if (url.protocol === 'https:' && !runtime.isSecure) {
      return { kind: 'refused', service: host, error: () => wouldBePlaintext(host, runtime) };
    }
    return { kind: 'service', service: host, runtime };
  }
}

function wouldBePlaintext(service: string, { settings }: ServiceRuntime): MeshError {
  const message =
    `${service} is asked for by https:, but its protocol is ${settings.protocol}: that would be sent in plain text. ` +
    `Set protocol: 'https' for services.${service}, or ask for http://${service}`;
  return new MeshError('INMESH_CONFIG', message, { service, sent: false });
}
