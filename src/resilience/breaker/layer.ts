import { meshErrorOf } from '../../core/errors.ts';
import type { Exchange } from '../../model/exchange.ts';
import { isServerFault } from '../../model/outcome.ts';
import type { Layer } from '../../model/service.ts';
import type { Breaker, Verdict } from './breaker.ts';

/** Refuses calls while the breaker is open; tells it what became of the others once their head, or none, is there. */
export function breakerLayer(breaker: Breaker): Layer {
  return (next) => async (call) => {
    const pass = breaker.admit(call.deadline);
    let exchange: Exchange;
    try {
      exchange = await next(call);
    } catch (error) {
      // Awaited, so that whoever sees this failure already meets the breaker it leaves behind.
      await breaker.report(pass, verdictOfError(error), error);
      throw error;
    }
    if (isServerFault(exchange.statusCode)) {
      await breaker.report(pass, 'failure', new Error(`${call.service} answered ${exchange.statusCode}`));
    } else {
      void breaker.report(pass, 'success', undefined, exchange.receivedAt);
    }
    return exchange;
  };
}

/**
 * What an error that no retry could mend says of the service. A deadline that passed while the service was being tried
 * is its failure; one that passed before (in a queue, in discovery) is ours, as are all our own refusals.
 */
function verdictOfError(error: unknown): Verdict {
  const found = meshErrorOf(error);
  if (found === undefined) return 'ignored';
  if (found.code === 'INMESH_DEADLINE_EXCEEDED') return found.attempts > 0 ? 'failure' : 'ignored';
  return found.blame === 'endpoint' ? 'failure' : 'ignored';
}
