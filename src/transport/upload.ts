import type { Dispatcher } from 'undici';
import { hasHeader, withHeaders } from '../telemetry/index.ts';

type Request = Dispatcher.DispatchOptions;

/** One write on a stream. A hundred streams, a connection's most, hold 3 MB of them. */
const PIECE = 32_768;

/**
 * A request for HTTP/2 whose body, if it is large, is written piece by piece as the endpoint takes it. undici writes a
 * body in memory at once, and Node resets streams of a connection that holds more than 10 MB unsent
 * (`ENHANCE_YOUR_CALM`, by its `maxSessionMemory`, which undici leaves alone): two uploads of 8 MB would be one too many.
 */
export function inPieces(request: Request): Request {
  const { body } = request;
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) return request;
  if (body.length <= PIECE) return request;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const headers = hasHeader(request.headers, 'content-length')
    ? request.headers
    : withHeaders(request.headers, { 'content-length': String(bytes.length) });
  return { ...request, headers, body: new Pieces(bytes) } as unknown as Request;
}

/** Bytes that are read piece by piece, as often as one likes. */
class Pieces implements AsyncIterable<Uint8Array> {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  // oxlint-disable-next-line require-await -- undici awaits the room for each piece, not the piece
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < this.#bytes.length; at += PIECE) yield this.#bytes.subarray(at, at + PIECE);
  }
}
