/**
 * # Concurrency limits
 *
 * A service that slows down fills its callers with calls under way, each holding memory, sockets and a place in the
 * service's own queue, until both fall. A limit turns that into a prompt and cheap refusal (Little's law: the number
 * under way is rate times latency, so the limit bounds whichever grows).
 *
 * Two limits, as Envoy's thresholds: per service at the entrance, over all attempts of a call, and per endpoint right
 * before the connection. A slot is held until the body has ended, not until the head is there. Before the first limit
 * is a short queue, first come, first served: it takes up bursts, and it is bounded both in length and in time, for a
 * queue that only grows longer helps nobody. Before the second is none; what one endpoint cannot take, another may.
 *
 * A refusal is `INMESH_OVERLOADED`, never sent, and nobody's failure: neither health nor breaker count it.
 *
 * The trade-off: the limits are fixed numbers, wide by default (1024 and 4096), so they catch an avalanche, not a slope.
 *
 * @module
 */
export { admissionLayer, endpointLimitLayer } from './layers.ts';
export { ConcurrencyLimit } from './limit.ts';
export type { LimitOptions, LimitSettings } from './options.ts';
