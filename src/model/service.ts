import type { Call } from './call.ts';
import type { Exchange } from './exchange.ts';

/** Something that answers calls. Resolves with the head; rejects with a `MeshError` where none came. */
export type Service = (call: Call) => Promise<Exchange>;

/** Something that stands before a service. One that only prepares returns `next(call)` itself; one that decides on the head awaits it. */
export type Layer = (next: Service) => Service;

/** Calls a service; what it throws is an error like one that it rejects with. */
export function invoke(service: Service, call: Call): Promise<Exchange> {
  try {
    return service(call);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Puts layers before a service, the first outermost. */
export function compose(layers: readonly Layer[], service: Service): Service {
  return layers.reduceRight((next, layer) => layer(next), service);
}
