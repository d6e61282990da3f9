import { meshErrorOf } from '../../core/errors.ts';
import type { Exchange } from '../../model/exchange.ts';
import { isServerFault } from '../../model/outcome.ts';
import { invoke, type Layer } from '../../model/service.ts';
import type { Breaker, BreakerPass, Verdict } from './breaker.ts';

/** Refuses calls while the breaker is open; tells it what became of the others once their head, or none, is there. */
export function breakerLayer(breaker: Breaker): Layer {
  let judge = new Judge(breaker, 0);
  return (next) => (call) => {
    let pass: BreakerPass;
    try {
      pass = breaker.admit(call.deadline);
    } catch (refusal) {
      return Promise.reject(refusal);
    }
    if (judge.pass !== pass) judge = new Judge(breaker, pass);
    return invoke(next, call).then(judge.onHead, judge.onError);
  };
}

/** What the calls that one generation of the breaker let in report through, so that none makes functions of its own. */
class Judge {
  readonly pass: BreakerPass;
  readonly onHead: (exchange: Exchange) => Exchange | Promise<Exchange>;
  readonly onError: (error: unknown) => Promise<never>;

  constructor(breaker: Breaker, pass: BreakerPass) {
    this.pass = pass;
    this.onHead = (exchange) => {
      const { statusCode, receivedAt } = exchange;
      if (!isServerFault(statusCode)) {
        void breaker.report(pass, 'success', undefined, receivedAt);
        return exchange;
      }
      const cause = new Error(`${breaker.service} answered ${statusCode}`);
      return breaker.report(pass, 'failure', cause)?.then(() => exchange) ?? exchange;
    };
    this.onError = async (error) => {
      // Awaited, so that whoever sees this failure already meets the breaker it leaves behind.
      await breaker.report(pass, verdictOfError(error), error);
      throw error;
    };
  }
}

/**
 * What an error that no retry could mend says of the service. A deadline that passed while the service was being tried
 * is its failure; one that passed before (in a queue, in discovery) is ours, as are all our own refusals.
 */
function verdictOfError(error: unknown): Verdict {
  const found = meshErrorOf(error);
  if (found === undefined || found.excused) return 'ignored';
  if (found.code === 'INMESH_DEADLINE_EXCEEDED') return found.attempts > 0 ? 'failure' : 'ignored';
  return found.blame === 'endpoint' ? 'failure' : 'ignored';
}
