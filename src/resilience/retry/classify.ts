import { meshErrorOf } from '../../core/errors.ts';
import type { Call } from '../../model/call.ts';
import type { Endpoint } from '../../model/endpoint.ts';
import { endpointOf } from '../../model/attribution.ts';
import type { Exchange } from '../../model/exchange.ts';
import { isGatewayFault } from '../../model/outcome.ts';
import { isIdempotent } from '../../model/request.ts';
import { stopsRetries } from './chain-stop.ts';
import { isStream, type ReplayableBody } from './replay.ts';

/** An attempt without a good end, as p-retry is told of it: a head that asks for a retry, or an error. */
export class FailedAttempt extends Error {
  readonly exchange: Exchange | undefined;
  readonly error: unknown;

  constructor(exchange: Exchange | undefined, error: unknown) {
    super('attempt failed');
    this.exchange = exchange;
    this.error = error;
  }

  /** Where it was made, if it got that far. */
  get endpoint(): Endpoint | undefined {
    return this.exchange?.endpoint ?? endpointOf(this.error);
  }

  /** Whether the endpoint cannot have seen any of it. */
  get unsent(): boolean {
    return meshErrorOf(this.error)?.sent === false;
  }
}

/** Whether a head asks for another attempt: too many requests, or a gateway error. A plain 500 may have done its work. */
export function asksForRetry(status: number): boolean {
  return status === 429 || isGatewayFault(status);
}

/**
 * Whether another attempt is safe and may help: what was never sent may be sent again whatever it is, all else only if
 * sending it twice does no harm and its body can be sent twice. What the endpoint is not to blame for would meet the
 * same again.
 */
export function mayRetry(failed: FailedAttempt, { request }: Call, body: ReplayableBody | undefined): boolean {
  if (body !== undefined && !body.replayable) return false;
  if (failed.exchange !== undefined) {
    return !stopsRetries(failed.exchange) && isIdempotent(request) && isRepeatable(request, body);
  }
  if (meshErrorOf(failed.error)?.blame !== 'endpoint') return false;
  return failed.unsent || (isIdempotent(request) && isRepeatable(request, body));
}

/** Old-style streams cannot be read as iterables, so nothing was kept of them. */
function isRepeatable(request: Call['request'], body: ReplayableBody | undefined): boolean {
  return body !== undefined || !isStream(request.body);
}
