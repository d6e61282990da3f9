import pRetry from 'p-retry';
import { meshErrorOf } from '../../core/errors.ts';
import { endpointOf } from '../../model/attribution.ts';
import type { Call } from '../../model/call.ts';
import type { Exchange } from '../../model/exchange.ts';
import { invoke, type Layer, type Service } from '../../model/service.ts';
import { stopChain } from './chain-stop.ts';
import { asksForRetry, FailedAttempt, mayRetry } from './classify.ts';
import type { RetrySettings } from './options.ts';
import { pauseUntil } from './pause.ts';
import { isOneShot, ReplayableBody } from './replay.ts';
import { parseRetryAfter } from './retry-after.ts';

/** A `Retry-After` beyond this, ms, is no wish for a retry. Envoy's and Linkerd's bound. */
const RETRY_AFTER_CAP = 300_000;

/**
 * Makes a failed attempt again, elsewhere, as long as that is safe, may help, is within the budget and before the
 * deadline. The first attempt runs straight through; p-retry owns the loop from the first failure on.
 *
 * A response that no retry could mend is returned as it is, an error is thrown as it is, with `attempts`. Where retries
 * were tried in vain or refused by the budget, the response says `x-mesh-retry: never` and the error `retriesSpent`.
 */
export function retryLayer(settings: RetrySettings): Layer {
  const { budget, replayLimit } = settings;
  return (next) => (call) => {
    const source: unknown = call.request.body;
    const body = isOneShot(source) ? new ReplayableBody(source, replayLimit) : undefined;
    const first = body === undefined ? call : { ...call, request: withBody(call, body) };
    const retry = (failed: FailedAttempt): Promise<Exchange> => new RetryLoop(settings, next, call, body).run(failed);
    return invoke(next, first).then(
      (exchange) => {
        if (asksForRetry(exchange.statusCode)) return retry(new FailedAttempt(exchange, undefined));
        if (call.attempt === 0) budget.deposit(exchange.receivedAt);
        if (body !== undefined) exchange.onEnd(() => body.close());
        return exchange;
      },
      (error: unknown) => retry(new FailedAttempt(undefined, error)),
    );
  };
}

/** What one call that failed at first goes through from there. */
class RetryLoop {
  readonly #settings: RetrySettings;
  readonly #next: Service;
  readonly #body: ReplayableBody | undefined;
  /** The attempt made last. */
  #call: Call;
  #attempts = 1;
  #refused = false;

  constructor(settings: RetrySettings, next: Service, call: Call, body: ReplayableBody | undefined) {
    this.#settings = settings;
    this.#next = next;
    this.#call = call;
    this.#body = body;
  }

  async run(first: FailedAttempt): Promise<Exchange> {
    try {
      const exchange = await pRetry((number) => (number === 1 ? Promise.reject(first) : this.#attempt()), {
        retries: this.#settings.max,
        minTimeout: 0,
        shouldRetry: ({ error }) => this.#prepare(error as FailedAttempt),
      });
      return this.#closeAfter(exchange);
    } catch (failed) {
      if (!(failed instanceof FailedAttempt)) throw failed;
      return this.#finish(failed);
    }
  }

  async #attempt(): Promise<Exchange> {
    this.#attempts++;
    let exchange: Exchange;
    try {
      exchange = await this.#next(this.#call);
    } catch (error) {
      throw new FailedAttempt(undefined, error);
    }
    if (asksForRetry(exchange.statusCode)) throw new FailedAttempt(exchange, undefined);
    return exchange;
  }

  /** Whether to retry; if so, it has been paid for, what failed is let go, and the back-off is over. */
  async #prepare(failed: FailedAttempt): Promise<boolean> {
    const { budget, env } = this.#settings;
    const call = this.#call;
    if (call.signal.aborted || !mayRetry(failed, call, this.#body)) return false;
    const now = env.clock.now();
    const wait = this.#wait(failed);
    if (wait === undefined || now + wait >= call.deadline) return false;
    // The first time that nothing was sent there is no work to be multiplied: refused connections must not cost answers.
    if (!budget.withdraw(failed.unsent && this.#attempts === 1)) {
      this.#refused = true;
      return false;
    }
    const { endpoint } = failed;
    failed.exchange?.[Symbol.dispose]();
    try {
      await pauseUntil(now + wait, call.signal, env.timers);
    } catch (reason) {
      throw new FailedAttempt(undefined, reason);
    }
    this.#call = {
      ...call,
      attempt: call.attempt + 1,
      begun: env.clock.now(),
      tried: endpoint === undefined ? call.tried : [...call.tried, endpoint],
      request: this.#body === undefined ? call.request : withBody(call, this.#body),
    };
    return true;
  }

  /** Full jitter (M. Brooker, "Exponential backoff and jitter", 2015), after what the endpoint asks for; undefined: not at all. */
  #wait(failed: FailedAttempt): number | undefined {
    const { backoff, env } = this.#settings;
    const jitter = env.random() * Math.min(backoff.cap, backoff.base * 2 ** (this.#attempts - 1));
    const asked = parseRetryAfter(failed.exchange?.headers['retry-after'], env.clock.wallTime()) ?? 0;
    return asked > RETRY_AFTER_CAP ? undefined : asked + jitter;
  }

  #finish(failed: FailedAttempt): Exchange {
    const { max } = this.#settings;
    const inVain = max > 0 && this.#attempts > max && mayRetry(failed, this.#call, this.#body);
    const spent = this.#refused || inVain;
    if (failed.exchange !== undefined) return this.#closeAfter(spent ? stopChain(failed.exchange) : failed.exchange);
    this.#body?.close();
    const error = meshErrorOf(failed.error);
    if (error !== undefined) {
      // What ended before it had an endpoint (in discovery, for want of one) was no attempt.
      const wasAttempt = error.blame !== 'self' || endpointOf(error) !== undefined;
      error.attempts = wasAttempt ? this.#attempts : this.#attempts - 1;
      error.retriesSpent ||= spent;
    }
    throw failed.error;
  }

  #closeAfter(exchange: Exchange): Exchange {
    const body = this.#body;
    if (body !== undefined) exchange.onEnd(() => body.close());
    return exchange;
  }
}

function withBody(call: Call, body: ReplayableBody): Call['request'] {
  // undici takes any async iterable; its types name only streams.
  return { ...call.request, body: body.open() as unknown as Exclude<Call['request']['body'], undefined> };
}
