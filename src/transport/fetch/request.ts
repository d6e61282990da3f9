import { type WireHeaders, wireHeaders } from './headers.ts';
import { parseTarget, type Target } from './target.ts';

/** A body that can be sent any number of times. */
export type Payload = string | Uint8Array | null;

/** A request of the common shape, with everything of fetch's own decided. */
export interface PlainRequest extends WireHeaders {
  readonly target: Target;
  readonly method: string;
  readonly body: Payload;
  readonly redirect: 'follow' | 'error' | 'manual';
  readonly signal: AbortSignal | undefined;
}

const METHODS: ReadonlyMap<unknown, string> = new Map([
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'].flatMap((name): [string, string][] => [
    [name, name],
    [name.toLowerCase(), name],
  ]),
  ['PATCH', 'PATCH'],
  [undefined, 'GET'],
]);

/** An origin that a page-like environment gave to fetch: it then resolves relative URLs and sends `origin`. */
const GLOBAL_ORIGIN = Symbol.for('undici.globalOrigin.1');

const NOTHING: object = {};

interface Extracted {
  readonly body: Payload;
  readonly type: string | undefined;
  readonly length: number | undefined;
}

const NO_BODY: Extracted = { body: null, type: undefined, length: undefined };

function extract(given: unknown): Extracted | undefined {
  if (given === undefined || given === null) return NO_BODY;
  if (typeof given === 'string') {
    const body = given.toWellFormed();
    return { body, type: 'text/plain;charset=UTF-8', length: Buffer.byteLength(body) };
  }
  if (given instanceof URLSearchParams) {
    const body = given.toString();
    return { body, type: 'application/x-www-form-urlencoded;charset=UTF-8', length: body.length };
  }
  // fetch copies bytes when it is called: the caller may write over them afterwards.
  if (ArrayBuffer.isView(given)) {
    if (!(given.buffer instanceof ArrayBuffer) || given.buffer.resizable) return undefined;
    const body = Buffer.from(Buffer.from(given.buffer, given.byteOffset, given.byteLength));
    return { body, type: undefined, length: body.length };
  }
  if (given instanceof ArrayBuffer && !given.resizable) {
    const body = Buffer.from(Buffer.from(given));
    return { body, type: undefined, length: body.length };
  }
  return undefined;
}

/**
 * Reads the arguments of fetch, or says undefined: this call has a shape (a `Request`, a stream, a bad value, a rare
 * option) for which built-in fetch is the better reader. Nothing here throws; what is wrong is left for it to refuse.
 */
export function readRequest(input: unknown, init: unknown): PlainRequest | undefined {
  const written = typeof input === 'string' ? input : isPlainUrl(input) ? input.href : undefined;
  if (written === undefined || (globalThis as Record<symbol, unknown>)[GLOBAL_ORIGIN] !== undefined) return undefined;
  const target = parseTarget(written);
  if (target === undefined) return undefined;

  const options = init ?? NOTHING;
  const prototype: unknown = typeof options === 'object' ? Object.getPrototypeOf(options) : undefined;
  if (prototype !== Object.prototype && prototype !== null) return undefined;

  let method: unknown;
  let headers: unknown;
  let given: unknown;
  let signal: AbortSignal | undefined;
  let redirect: PlainRequest['redirect'] = 'follow';
  let cache: 'default' | 'no-store' | 'reload' | 'no-cache' = 'default';
  for (const key in options) {
    const value: unknown = (options as Record<string, unknown>)[key];
    if (value === undefined) continue;
    switch (key) {
      case 'method':
        method = value;
        break;
      case 'headers':
        headers = value;
        break;
      case 'body':
        given = value;
        break;
      case 'signal':
        if (value === null) break;
        if (!(value instanceof AbortSignal)) return undefined;
        signal = value;
        break;
      case 'redirect':
        if (value !== 'follow' && value !== 'error' && value !== 'manual') return undefined;
        redirect = value;
        break;
      case 'cache':
        if (value !== 'default' && value !== 'no-store' && value !== 'reload' && value !== 'no-cache') return undefined;
        cache = value;
        break;
      case 'credentials':
        if (value !== 'same-origin' && value !== 'include' && value !== 'omit') return undefined;
        break;
      case 'mode':
        if (value !== 'cors') return undefined;
        break;
      case 'keepalive':
        if (typeof value !== 'boolean') return undefined;
        break;
      case 'duplex':
        if (value !== 'half') return undefined;
        break;
      case 'dispatcher':
      case 'integrity':
      case 'priority':
      case 'referrer':
      case 'referrerPolicy':
      case 'window':
        return undefined;
    }
  }

  const verb = METHODS.get(method);
  const payload = extract(given);
  if (verb === undefined || payload === undefined) return undefined;
  if (payload.length !== undefined && (verb === 'GET' || verb === 'HEAD')) return undefined;
  const wire = wireHeaders(headers, {
    secure: target.origin.startsWith('https'),
    cache,
    contentType: payload.type,
    contentLength: announcedLength(verb, payload.length),
  });
  if (wire === undefined) return undefined;
  const { fields, ownEncoding } = wire;
  return { target, method: verb, fields, ownEncoding, body: payload.body, redirect, signal };
}

/** That of the body, and 0 for a POST or PUT without one. */
function announcedLength(method: string, length: number | undefined): string | undefined {
  if (length !== undefined) return String(length);
  return method === 'POST' || method === 'PUT' ? '0' : undefined;
}

function isPlainUrl(input: unknown): input is URL {
  return typeof input === 'object' && input !== null && Object.getPrototypeOf(input) === URL.prototype;
}
