import { isGatewayFault, isServerFault, type Outcome } from '../model/outcome.ts';

/**
 * Whether an attempt speaks for its endpoint. 429 does not, though it is the request's fault elsewhere: an endpoint that
 * alone sends it takes less load than its siblings.
 */
export function isGood(outcome: Outcome): boolean {
  return outcome.kind === 'success' && outcome.status !== 429;
}

/** Failures that feed a streak: all but an error status with which the endpoint answers by itself, such as 500. */
export function feedsStreak(outcome: Outcome): boolean {
  if (outcome.kind !== 'failure') return false;
  return outcome.status === undefined || isGatewayFault(outcome.status) || !isServerFault(outcome.status);
}

/** What went wrong, for `endpoint.reason`. */
export function causeOf(outcome: Outcome): string {
  if (outcome.kind === 'failure' && outcome.cause instanceof Error) return outcome.cause.message;
  return outcome.status === undefined ? 'no answer' : `status ${outcome.status}`;
}
