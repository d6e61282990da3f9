import { pipeline, Readable, type Transform } from 'node:stream';
import zlib from 'node:zlib';
import type { ArrivingBody, Piece, Pieces } from './pieces.ts';

/** More codings than this on one response are an attack (CVE-2026-22036). */
const CODINGS_MOST = 5;

/** Lenient at the end, as browsers and curl are: a body cut short by a careless server still gives what it held. */
const GZIP = { flush: zlib.constants.Z_SYNC_FLUSH, finishFlush: zlib.constants.Z_SYNC_FLUSH };
const BROTLI = { flush: zlib.constants.BROTLI_OPERATION_FLUSH, finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH };
const ZSTD = { flush: zlib.constants.ZSTD_e_continue, finishFlush: zlib.constants.ZSTD_e_end };

/** A body that came whole and no larger than this is inflated in one step, if what comes out is small as well. */
const AT_ONCE = 16_384;
const AT_ONCE_INFLATED = 131_072;

type Stage = Transform | ((source: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>);

interface Coding {
  readonly stream: () => Stage;
  readonly atOnce: (bytes: Uint8Array, limit: { maxOutputLength: number }) => Buffer;
}

const gzip: Coding = {
  stream: () => zlib.createGunzip(GZIP),
  atOnce: (bytes, limit) => zlib.gunzipSync(bytes, { ...GZIP, ...limit }),
};

/** Deflate comes with a zlib header or without: its first byte says. */
const isZlib = (bytes: Uint8Array): boolean => ((bytes[0] ?? 0) & 0x0f) === 0x08;

async function* inflate(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done === true) return;
  const rest = { [Symbol.asyncIterator]: () => chunks };
  const whole = async function* (): AsyncGenerator<Uint8Array> {
    yield first.value;
    yield* rest;
  };
  const inflater = isZlib(first.value) ? zlib.createInflate(GZIP) : zlib.createInflateRaw(GZIP);
  yield* pipeline(whole, inflater, () => {}) as AsyncIterable<Uint8Array>;
}

const CODINGS: Readonly<Record<string, Coding>> = {
  gzip,
  'x-gzip': gzip,
  deflate: {
    stream: () => inflate,
    atOnce: (bytes, limit) =>
      isZlib(bytes)
        ? zlib.inflateSync(bytes, { ...GZIP, ...limit })
        : zlib.inflateRawSync(bytes, { ...GZIP, ...limit }),
  },
  br: {
    stream: () => zlib.createBrotliDecompress(BROTLI),
    atOnce: (bytes, limit) => zlib.brotliDecompressSync(bytes, { ...BROTLI, ...limit }),
  },
  // The fetch of Node 22 leaves zstd as it came.
  ...(Number.parseInt(process.versions['undici'] ?? '0', 10) >= 7 && {
    zstd: {
      stream: () => zlib.createZstdDecompress(ZSTD),
      atOnce: (bytes, limit) => zlib.zstdDecompressSync(bytes, { ...ZSTD, ...limit }),
    } satisfies Coding,
  }),
};

/**
 * The decoders for a content-encoding, the last applied first; none if one of them is unknown, since the body is then
 * handed on as it came.
 *
 * @throws Error for more than five of them.
 */
export function codingsOf(encoding: string | string[] | undefined): readonly Coding[] {
  if (encoding === undefined || encoding.length === 0) return [];
  const names = String(encoding).toLowerCase().split(',');
  if (names.length > CODINGS_MOST) {
    throw new Error(`too many content-encodings in response: ${names.length}, maximum allowed is ${CODINGS_MOST}`);
  }
  const codings: Coding[] = [];
  for (const name of names.toReversed()) {
    const coding = name.trim();
    if (!Object.hasOwn(CODINGS, coding)) return [];
    codings.push(CODINGS[coding]!);
  }
  return codings;
}

async function* pieces(...all: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all;
}

/** A body that is inflated as it is read and no further: what a bomb may fill is one buffer of each decoder. */
export class DecodedBody implements Pieces {
  onFailure: ((reason: unknown) => void) | undefined = undefined;
  readonly #raw: ArrivingBody;
  readonly #codings: readonly Coding[];
  #pieces: AsyncIterator<Uint8Array, unknown> | undefined = undefined;
  #source: Readable | undefined = undefined;

  constructor(raw: ArrivingBody, codings: readonly Coding[]) {
    this.#raw = raw;
    this.#codings = codings;
    raw.onFailure = (reason) => {
      this.#source?.destroy(reason instanceof Error ? reason : new Error('The body broke.', { cause: reason }));
      this.onFailure?.(reason);
    };
  }

  get complete(): boolean {
    return this.#raw.complete;
  }

  async read(): Promise<Piece> {
    const raw = this.#raw;
    try {
      this.#pieces ??= await this.#open();
      const next = await this.#pieces.next();
      return next.done === true ? { done: true, value: undefined } : { done: false, value: next.value };
    } catch (error) {
      if (raw.failed) throw raw.failure;
      raw.cancel(error);
      throw new TypeError('terminated', { cause: error });
    }
  }

  cancel(reason: unknown): void {
    this.onFailure = undefined;
    this.#raw.cancel(reason);
    this.#source?.destroy();
  }

  async #open(): Promise<AsyncIterator<Uint8Array>> {
    const first = await this.#raw.read();
    if (first.done) return pieces();
    const coding = this.#codings[0];
    if (this.#codings.length === 1 && this.#raw.complete && first.value.length + this.#raw.held <= AT_ONCE) {
      const whole = this.#raw.held === 0 ? first.value : await this.#rest(first.value);
      try {
        return pieces(coding!.atOnce(whole, { maxOutputLength: AT_ONCE_INFLATED }));
      } catch {
        // Too large to inflate at once, or corrupt: the streams below say which, in their own words.
        return this.#stream(whole);
      }
    }
    return this.#stream(first.value);
  }

  async #rest(first: Uint8Array): Promise<Uint8Array> {
    const all = [first];
    for (let next = await this.#raw.read(); !next.done; next = await this.#raw.read()) all.push(next.value);
    return Buffer.concat(all);
  }

  #stream(first: Uint8Array): AsyncIterator<Uint8Array> {
    const raw = this.#raw;
    let opening: Uint8Array | undefined = first;
    const source = new Readable({
      read(): void {
        if (opening !== undefined) {
          const chunk = opening;
          opening = undefined;
          this.push(chunk);
          return;
        }
        raw.read().then(
          ({ value }) => this.push(value ?? null),
          (error: unknown) => this.destroy(error as Error),
        );
      },
    });
    this.#source = source;
    const stages = this.#codings.map((coding) => coding.stream());
    const decoded = pipeline([source, ...stages] as never, () => {}) as unknown as Readable;
    return decoded[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  }
}
