import { MeshError } from '../../core/errors.ts';
import type { Exchange } from '../../model/exchange.ts';
import type { Layer } from '../../model/service.ts';
import type { ConcurrencyLimit } from './limit.ts';

/** Lets in as many calls at a time as the service's limit allows; each holds its slot until its body has ended. */
export function admissionLayer(limit: ConcurrencyLimit): Layer {
  const release = (): void => limit.release();
  return (next) => async (call) => {
    let admitted = call;
    if (!limit.tryAcquire()) {
      await limit.acquire(call);
      admitted = { ...call, begun: limit.env.clock.now() };
    }
    let exchange: Exchange;
    try {
      exchange = await next(admitted);
    } catch (error) {
      release();
      throw error;
    }
    exchange.onEnd(release);
    return exchange;
  };
}

/**
 * The hard stop before one endpoint: an attempt that would be one too many (the balancer has already counted it) is not
 * sent, and may go elsewhere.
 */
export function endpointLimitLayer(settings: { readonly perEndpoint: number }): Layer {
  return (next) => (call) => {
    const { endpoint, service } = call;
    if (endpoint === undefined || endpoint.inFlight <= settings.perEndpoint) return next(call);
    const { address, inFlight } = endpoint;
    const message =
      `Too many attempts at ${address} of ${service}: ${inFlight - 1} of ${settings.perEndpoint} under way (perEndpoint). ` +
      `Send less, add endpoints, or raise services.${service}.limits.perEndpoint`;
    return Promise.reject(new MeshError('INMESH_OVERLOADED', message, { service, endpoint: address, sent: false }));
  };
}
