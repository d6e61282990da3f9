import type { Clock, Timer } from '../../core/clock.ts';
import { formatDuration } from '../../core/duration.ts';
import { Fault } from '../../resolver/index.ts';

/**
 * Ends a request whose other side has gone silent, as one does whose host is gone without a word: TCP alone would wait
 * for minutes. One timer per silence, not per chunk.
 */
export class Silence {
  readonly #clock: Clock;
  readonly #aborting: AbortController = new AbortController();
  readonly #outer: AbortSignal;
  readonly #stop: () => void;
  readonly #last: Timer | undefined;
  #longest: number;
  #heard: number;
  #timer: Timer;

  /** @param longest ms of silence to begin with; @param most ms in all, whatever is heard. */
  constructor(clock: Clock, outer: AbortSignal, longest: number, most?: number) {
    this.#clock = clock;
    this.#outer = outer;
    this.#longest = longest;
    this.#heard = clock.now();
    this.#stop = () => this.#aborting.abort(outer.reason);
    if (outer.aborted) this.#stop();
    else outer.addEventListener('abort', this.#stop, { once: true });
    this.#timer = this.#arm();
    this.#last = most === undefined ? undefined : clock.schedule(most, () => this.#fall('does not end it in time'));
  }

  /** Aborts the request. */
  get signal(): AbortSignal {
    return this.#aborting.signal;
  }

  /** Whether it was silence that ended it. */
  get fell(): boolean {
    return this.#aborting.signal.aborted && !this.#outer.aborted;
  }

  /** Something was heard; from now on silence may last `longest` ms. */
  broken(longest: number = this.#longest): void {
    this.#heard = this.#clock.now();
    if (longest === this.#longest) return;
    this.#longest = longest;
    this.#timer.cancel();
    this.#timer = this.#arm();
  }

  /** The chunks of `body`, each of which is heard; silence ends them with its fault. */
  async *over(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    try {
      for await (const chunk of body) {
        this.#heard = this.#clock.now();
        yield chunk;
      }
    } catch (error) {
      if (this.signal.aborted) throw this.signal.reason;
      throw new Fault('BROKEN', `the stream from the API server broke off (${(error as Error).message})`, error);
    }
  }

  /** The request is over. */
  end(): void {
    this.#timer.cancel();
    this.#last?.cancel();
    this.#outer.removeEventListener('abort', this.#stop);
    // What is still open is of no use any more.
    this.#aborting.abort(new Fault('STOPPED', 'it is over'));
  }

  #arm(): Timer {
    const due = this.#heard + this.#longest - this.#clock.now();
    return this.#clock.schedule(Math.max(0, due), () => {
      if (this.#clock.now() - this.#heard >= this.#longest)
        this.#fall(`sent nothing for ${formatDuration(this.#longest)}`);
      else this.#timer = this.#arm();
    });
  }

  #fall(what: string): void {
    this.#aborting.abort(new Fault('SILENT', `the API server was asked for EndpointSlices and ${what}`));
  }
}
