import type { Endpoint } from '../model/endpoint.ts';
import type { Exchange } from '../model/exchange.ts';
import { isServerFault, type Outcome, outcomeOfError, outcomeOfStatus } from '../model/outcome.ts';
import type { HealthPass, OutlierDetector } from './detector.ts';
import type { HealthRecord } from './record.ts';

/**
 * What the attempts of one generation of an endpoint's record tell the detector through. They share it, so that none of
 * them has to make functions of its own.
 */
export class Watch {
  readonly detector: OutlierDetector;
  readonly pass: HealthPass;
  /** A failure is counted as soon as it is known, which for an error status is the head; a success when the body has ended. */
  readonly onHead: (exchange: Exchange) => Exchange;
  readonly onError: (error: unknown) => never;

  constructor(detector: OutlierDetector, endpoint: Endpoint, pass: HealthPass) {
    this.detector = detector;
    this.pass = pass;
    const onEnd = (outcome: Outcome): void => detector.onOutcome(endpoint, pass, outcome);
    this.onHead = (exchange) => {
      const { statusCode, receivedAt } = exchange;
      if (isServerFault(statusCode) || statusCode === 429) onEnd(outcomeOfStatus(statusCode, 0, receivedAt));
      else {
        detector.onHead(endpoint, pass);
        exchange.onEnd(onEnd);
      }
      return exchange;
    };
    this.onError = (error) => {
      onEnd(outcomeOfError(error, 0));
      throw error;
    };
  }
}

/** The watch of an attempt that begins now. */
export function watchOf(detector: OutlierDetector, endpoint: Endpoint): Watch {
  const pass = detector.begin(endpoint);
  const record = endpoint.health as HealthRecord | undefined;
  const known = record?.watch;
  if (known !== undefined && known.pass === pass && known.detector === detector) return known;
  const watch = new Watch(detector, endpoint, pass);
  if (record !== undefined) record.watch = watch;
  return watch;
}
