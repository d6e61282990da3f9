export type Piece =
  { readonly done: false; readonly value: Uint8Array } | { readonly done: true; readonly value: undefined };

/** A body being read, piece after piece; one read at a time. */
export interface Pieces {
  read(): Promise<Piece>;
  /** The reader wants no more. */
  cancel(reason: unknown): void;
  /** Told at once when the body breaks, also while nobody reads. */
  onFailure: ((reason: unknown) => void) | undefined;
  /** All of it has come: the connection has no more to do with it. */
  readonly complete: boolean;
}

/** What a body asks of the connection it arrives on. */
export interface Flow {
  pause(): void;
  resume(): void;
  abort(reason: unknown): void;
}

/** As much as built-in fetch holds of a body that nobody reads. */
const HELD = 65_536;

export const aborted = (): DOMException => new DOMException('The operation was aborted.', 'AbortError');

const END: Piece = { done: true, value: undefined };

/** A body as it arrives: kept by reference up to 64 KB, then the connection waits for the reader. */
export class ArrivingBody implements Pieces {
  onFailure: ((reason: unknown) => void) | undefined = undefined;
  readonly #flow: Flow;
  readonly #signal: AbortSignal | undefined;
  readonly #queue: Uint8Array[] = [];
  #size = 0;
  #paused = false;
  #state: 'open' | 'ended' | 'failed' = 'open';
  #failure: unknown = undefined;
  #waiting: { resolve(piece: Piece): void; reject(reason: unknown): void } | undefined = undefined;

  constructor(flow: Flow, signal: AbortSignal | undefined) {
    this.#flow = flow;
    this.#signal = signal;
  }

  get complete(): boolean {
    return this.#state === 'ended';
  }

  get failed(): boolean {
    return this.#state === 'failed';
  }

  get failure(): unknown {
    return this.#failure;
  }

  get held(): number {
    return this.#size;
  }

  push(chunk: Uint8Array): void {
    if (this.#state !== 'open') return;
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#waiting = undefined;
      waiting.resolve({ done: false, value: chunk });
      return;
    }
    this.#queue.push(chunk);
    this.#size += chunk.length;
    if (this.#size >= HELD && !this.#paused) {
      this.#paused = true;
      this.#flow.pause();
    }
  }

  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    this.#waiting?.resolve(END);
    this.#waiting = undefined;
  }

  /** Breaks the body for its reader; what was not read yet is lost, as with built-in fetch. */
  fail(reason: unknown): void {
    if (this.#state === 'failed') return;
    this.#state = 'failed';
    this.#failure = reason;
    this.#queue.length = 0;
    this.#waiting?.reject(reason);
    this.#waiting = undefined;
    this.onFailure?.(reason);
  }

  /** Breaks it with the reason of a signal; fetch puts an error of its own where that is none to speak of. */
  abort(reason: unknown): void {
    this.fail(reason || aborted());
  }

  read(): Promise<Piece> {
    // The last byte may have come before the abort, and the listener gone with it: the signal still rules what is unread.
    if (this.#state === 'ended' && this.#signal?.aborted === true) this.abort(this.#signal.reason);
    if (this.#state === 'failed') return Promise.reject(this.#failure);
    const value = this.#queue.shift();
    if (value !== undefined) {
      this.#size -= value.length;
      if (this.#paused && this.#size < HELD) {
        this.#paused = false;
        this.#flow.resume();
      }
      return Promise.resolve({ done: false, value });
    }
    if (this.#state === 'ended') return Promise.resolve(END);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  cancel(reason: unknown): void {
    const open = this.#state === 'open';
    this.onFailure = undefined;
    this.#state = 'ended';
    this.#queue.length = 0;
    this.#waiting?.resolve(END);
    this.#waiting = undefined;
    if (open) this.#flow.abort(reason);
  }
}
