import type { Exchange } from '../model/exchange.ts';
import { isServerFault, outcomeOfError, outcomeOfStatus } from '../model/outcome.ts';
import type { Layer } from '../model/service.ts';
import type { OutlierDetector } from './detector.ts';

/**
 * Tells the detector of each attempt, once: a failure as soon as it is known, which for an error status is the head;
 * a success when the body has ended, for until then it may still break off.
 */
export function outlierLayer(detector: OutlierDetector): Layer {
  return (next) => async (call) => {
    const { endpoint } = call;
    if (endpoint === undefined) return next(call);
    const pass = detector.begin(endpoint);
    let exchange: Exchange;
    try {
      exchange = await next(call);
    } catch (error) {
      detector.onOutcome(endpoint, pass, outcomeOfError(error, 0));
      throw error;
    }
    const { statusCode } = exchange;
    if (isServerFault(statusCode) || statusCode === 429) {
      detector.onOutcome(endpoint, pass, outcomeOfStatus(statusCode, 0));
    } else {
      detector.onHead(endpoint, pass);
      exchange.onEnd((outcome) => detector.onOutcome(endpoint, pass, outcome));
    }
    return exchange;
  };
}
