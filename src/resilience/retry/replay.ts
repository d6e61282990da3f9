import { MeshError } from '../../core/errors.ts';

/** One reading of a body. */
interface Reader {
  position: number;
}

/** A Node stream, as far as it matters here. */
interface Stream {
  destroy?(): unknown;
  on(event: 'error', listener: () => void): unknown;
}

/**
 * A request body that comes only once (a stream, an async iterable, a generator), made so that it can be read again from
 * the start: what was read is kept while it is within `limit` bytes.
 *
 * Nothing is read before an attempt asks for it, and at the speed at which it asks. Only the newest reading goes on:
 * an abandoned one may still wait for the source, and what arrives for it is kept for the next, so no byte is lost.
 *
 * An error at the source becomes one that the caller is to blame for: a client that hangs up in the middle of an upload
 * must not count against the endpoint that the upload goes to.
 */
export class ReplayableBody {
  readonly #source: Stream | AsyncIterable<unknown> | Iterator<unknown>;
  readonly #limit: number;
  #iterator: AsyncIterator<unknown> | Iterator<unknown> | undefined;
  #kept: unknown[] = [];
  #bytes = 0;
  #overflowed = false;
  #ended = false;
  #error: MeshError | undefined;
  #reader: Reader | undefined;
  #pulling: Promise<void> | undefined;

  constructor(source: Stream | AsyncIterable<unknown> | Iterator<unknown>, limit: number) {
    this.#source = source;
    this.#limit = limit;
    // Between two attempts nobody else listens, and an unheard 'error' ends the process. The next reading meets it.
    if (isStream(source)) source.on('error', () => {});
  }

  /** Whether all that was read so far can be read again. A body that failed at its source cannot. */
  get replayable(): boolean {
    return !this.#overflowed && this.#error === undefined;
  }

  /** The body from its start, for one attempt; what an earlier attempt still reads ends with an error. */
  open(): AsyncIterable<unknown> {
    const reader: Reader = { position: 0 };
    this.#reader = reader;
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => this.#read(reader),
        // An attempt that ends early leaves the source alone: the next one goes on with it.
        return: () => Promise.resolve({ done: true, value: undefined }),
      }),
    };
  }

  /** The call is over: lets the source go where it was not read to its end. */
  close(): void {
    if (this.#ended || this.#error !== undefined) return;
    this.#reader = undefined;
    this.#kept = [];
    this.#ended = true;
    if (isStream(this.#source)) this.#source.destroy?.();
    else void returnEarly(this.#iterator);
  }

  async #read(reader: Reader): Promise<IteratorResult<unknown>> {
    for (;;) {
      if (reader !== this.#reader) throw new Error('The body is read by a later attempt');
      if (reader.position < this.#kept.length) break;
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) return { done: true, value: undefined };
      await (this.#pulling ??= this.#pull());
    }
    const value = this.#kept[reader.position++];
    if (this.#overflowed && reader.position === this.#kept.length) {
      this.#kept = [];
      reader.position = 0;
    }
    return { done: false, value };
  }

  /** Never rejects: an error waits for whoever reads. */
  async #pull(): Promise<void> {
    try {
      this.#iterator ??= iteratorOf(this.#source);
      const result = await this.#iterator.next();
      if (this.#ended) return;
      if (result.done === true) this.#ended = true;
      else this.#keep(result.value);
    } catch (error) {
      this.#error = sourceFailed(error);
    } finally {
      this.#pulling = undefined;
    }
  }

  #keep(chunk: unknown): void {
    this.#kept.push(chunk);
    this.#bytes += typeof chunk === 'string' ? Buffer.byteLength(chunk) : ((chunk as Uint8Array).byteLength ?? 0);
    if (this.#bytes > this.#limit) this.#overflowed = true;
  }
}

/** Whether `body` is a Node stream, an old-style one (`form-data`) included. */
export function isStream(body: unknown): body is Stream {
  return typeof body === 'object' && body !== null && 'pipe' in body && 'on' in body && typeof body.on === 'function';
}

/** Whether `body` comes only once and can be read as an iterable; strings, buffers, blobs and forms can be sent again as they are. */
export function isOneShot(body: unknown): body is AsyncIterable<unknown> | Iterator<unknown> {
  if (typeof body !== 'object' || body === null) return false;
  return Symbol.asyncIterator in body || (Symbol.iterator in body && 'next' in body);
}

function iteratorOf(source: object): AsyncIterator<unknown> | Iterator<unknown> {
  return Symbol.asyncIterator in source
    ? (source as AsyncIterable<unknown>)[Symbol.asyncIterator]()
    : (source as Iterator<unknown>);
}

function sourceFailed(cause: unknown): MeshError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new MeshError('INMESH_REQUEST_INVALID', `The request body failed at its source: ${why}`, { cause });
}

async function returnEarly(iterator: AsyncIterator<unknown> | Iterator<unknown> | undefined): Promise<void> {
  try {
    await iterator?.return?.();
  } catch {
    // The call is over; nobody is left to tell.
  }
}
