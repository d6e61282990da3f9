import type { Call } from '../../src/model/call.ts';
import { Endpoint } from '../../src/model/endpoint.ts';
import type { Exchange } from '../../src/model/exchange.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import { outcomeOfStatus } from '../../src/model/outcome.ts';
import { CallSignal } from '../../src/model/signal.ts';

export const someEndpoint: Endpoint = new Endpoint({ address: '10.0.0.1:80' });

/** A call of GET http://orders/ with no deadline, but for what is given. */
export function fakeCall(given: Partial<Call> = {}): Call {
  return {
    request: { origin: 'http://orders', path: '/', method: 'GET' },
    service: 'orders',
    attempt: 0,
    start: 0,
    begun: given.start ?? 0,
    deadline: Infinity,
    attemptTimeout: Infinity,
    signal: new CallSignal(),
    criticality: 'default',
    tried: [],
    ...given,
  };
}

/** An exchange whose head is `status`, which ends when `end` is called or when it is disposed. */
export class FakeExchange implements Exchange {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly endpoint: Endpoint;
  accepted = false;
  disposed = false;
  #outcome: Outcome | undefined;
  readonly #listeners: ((outcome: Outcome) => void)[] = [];

  constructor(status = 200, headers: Record<string, string> = {}, endpoint: Endpoint = someEndpoint) {
    this.statusCode = status;
    this.headers = headers;
    this.endpoint = endpoint;
  }

  accept(): void {
    this.accepted = true;
  }

  onEnd(listener: (outcome: Outcome) => void): void {
    if (this.#outcome !== undefined) listener(this.#outcome);
    else this.#listeners.push(listener);
  }

  end(outcome: Outcome = outcomeOfStatus(this.statusCode, 1)): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    for (const listener of this.#listeners) listener(outcome);
  }

  [Symbol.dispose](): void {
    this.disposed = true;
    this.end();
  }
}
