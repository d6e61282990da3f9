import { Readable } from 'node:stream';
import type { Piece, Pieces } from './pieces.ts';

type ByteStream = ReadableStream<Uint8Array>;

/**
 * What `Response` is given for a body. Its own methods (`json()`, `text()`, …) only ask a body whether it is locked or
 * disturbed and then for a reader, and they get one that hands out the pieces as they came: no stream is built. Who
 * touches `response.body` gets the real stream of `whole`. Building one costs more than the rest of a small call.
 */
export interface LazyStream extends ByteStream {
  readonly whole: ByteStream;
}

const DISTURBED = Symbol.for('nodejs.stream.disturbed');

function streamOf(pieces: Pieces): ByteStream {
  return new ReadableStream({
    type: 'bytes',
    start(controller): void {
      pieces.onFailure = (reason) => controller.error(reason);
    },
    async pull(controller): Promise<void> {
      for (;;) {
        const { done, value } = await pieces.read();
        if (done) {
          controller.close();
          (controller.byobRequest as unknown as ReadableStreamBYOBRequest | null)?.respond(0);
          return;
        }
        if (value.length > 0) {
          // A copy: a byte stream may transfer its buffers away, and this piece is a window on the socket's.
          controller.enqueue(new Uint8Array(value));
          return;
        }
      }
    },
    cancel(reason): void {
      pieces.cancel(reason);
    },
  });
}

/** A stream that has been read to its end by a reader that keeps it. */
function spentStream(): ByteStream {
  const stream: ByteStream = new ReadableStream({ type: 'bytes', start: (controller) => controller.close() });
  void stream.getReader().read();
  return stream;
}

interface Shape {
  new (pieces: Pieces): LazyStream;
  wholeOf(stream: ByteStream): ByteStream;
  branchOf(stream: ByteStream): ByteStream | undefined;
}

let shape: Shape | undefined;

/** Defined at first use: touching `ReadableStream` loads Node's web streams, which an import should not. */
function define(): Shape {
  class Lazy {
    readonly #pieces: Pieces;
    #stream: ByteStream | undefined = undefined;
    #taken = false;

    static wholeOf(stream: ByteStream): ByteStream {
      return #pieces in stream ? (stream as unknown as Lazy).whole : stream;
    }

    static branchOf(stream: ByteStream): ByteStream | undefined {
      if (!(#pieces in stream) || stream.locked || Readable.isDisturbed(stream as never)) return undefined;
      const lazy = stream as unknown as Lazy;
      const [kept, branch] = lazy.whole.tee() as [ByteStream, ByteStream];
      lazy.#stream = kept;
      return branch;
    }

    constructor(pieces: Pieces) {
      this.#pieces = pieces;
    }

    get whole(): ByteStream {
      return (this.#stream ??= this.#taken ? spentStream() : streamOf(this.#pieces));
    }

    get locked(): boolean {
      return this.#stream === undefined ? this.#taken : this.#stream.locked;
    }

    get [DISTURBED](): boolean {
      return this.#stream === undefined ? this.#taken : Readable.isDisturbed(this.#stream as never);
    }

    getReader(options?: unknown): { read(): Promise<Piece> } {
      if (this.locked || this.#stream !== undefined || options !== undefined) {
        return this.whole.getReader(options as undefined) as never;
      }
      this.#taken = true;
      return this.#pieces;
    }

    cancel(reason?: unknown): Promise<void> {
      return this.whole.cancel(reason);
    }

    pipeTo(...args: Parameters<ByteStream['pipeTo']>): Promise<void> {
      return this.whole.pipeTo(...args);
    }

    pipeThrough(...args: Parameters<ByteStream['pipeThrough']>): ReadableStream {
      return this.whole.pipeThrough(...args);
    }

    values(...args: Parameters<ByteStream['values']>): ReturnType<ByteStream['values']> {
      return this.whole.values(...args);
    }

    [Symbol.asyncIterator](): ReturnType<ByteStream['values']> {
      return this.whole.values();
    }
  }
  Object.setPrototypeOf(Lazy.prototype, ReadableStream.prototype);
  return Lazy as unknown as Shape;
}

export function lazyStream(pieces: Pieces): LazyStream {
  shape ??= define();
  return new shape(pieces);
}

/** The real stream behind a body, whichever kind it is. */
export function wholeOf(stream: ByteStream): ByteStream {
  shape ??= define();
  return shape.wholeOf(stream);
}

/** A second reading of a lazy body that nobody has begun to read; undefined for any other. */
export function branchOf(stream: ByteStream): ByteStream | undefined {
  shape ??= define();
  return shape.branchOf(stream);
}
