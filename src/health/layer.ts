import { invoke, type Layer } from '../model/service.ts';
import type { OutlierDetector } from './detector.ts';
import { watchOf } from './watch.ts';

/**
 * Tells the detector of each attempt, once: a failure as soon as it is known, a success when the body has ended, for
 * until then it may still break off.
 */
export function outlierLayer(detector: OutlierDetector): Layer {
  return (next) => (call) => {
    if (call.endpoint === undefined) return next(call);
    const watch = watchOf(detector, call.endpoint);
    return invoke(next, call).then(watch.onHead, watch.onError);
  };
}
