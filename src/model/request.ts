import type { Dispatcher } from 'undici';

/** Headers in every form that undici takes, and arrays of pairs. */
export type RequestHeaders = Dispatcher.DispatchOptions['headers'] | readonly (readonly [string, string])[];

/** What a header's value may be: undefined is not sent. */
export type HeaderValue = string | string[] | undefined;

/** Whether `headers` have the header `name`, which is lower case. */
export function hasHeader(headers: RequestHeaders, name: string): boolean {
  if (headers === null || headers === undefined) return false;
  const names = Symbol.iterator in headers ? pairsOf(headers as Iterable<unknown>) : Object.entries(headers as object);
  for (const [other, value] of names) if (String(other).toLowerCase() === name && value !== undefined) return true;
  return false;
}

/** Names and values in turn, whatever form the headers have but that of a plain object. */
export function* pairsOf(headers: Iterable<unknown>): Generator<[string, HeaderValue]> {
  if (!Array.isArray(headers) || Array.isArray(headers[0])) yield* headers as Iterable<[string, HeaderValue]>;
  else
    for (let index = 0; index < headers.length; index += 2)
      yield [headers[index] as string, headers[index + 1] as HeaderValue];
}

/** RFC 9110 section 9.2.2, and QUERY (RFC 10008), which is safe by definition. */
export const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PUT',
  'DELETE',
  'QUERY',
]);

/** By its method, unless undici's own `idempotent` says otherwise, or an `idempotency-key` header makes it so. */
export function isIdempotent(request: Dispatcher.DispatchOptions): boolean {
  if (request.idempotent !== undefined) return request.idempotent;
  return IDEMPOTENT_METHODS.has(request.method) || hasHeader(request.headers, 'idempotency-key');
}
