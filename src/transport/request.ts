import type { Dispatcher } from 'undici';

type Options = Dispatcher.DispatchOptions & { dispatcher?: unknown; maxRedirections?: unknown; throwOnError?: unknown };

/**
 * A caller's options as undici 8 takes them: what undici 6 and 7 leave in theirs is dropped, and a content-length that
 * both the caller and fetch have written (`"7, 7"`, Node 22) is one again.
 */
export function requestOf(options: Dispatcher.DispatchOptions): Dispatcher.DispatchOptions {
  const given: Options = options;
  const length = contentLength(given.headers);
  if (
    length === undefined &&
    given.dispatcher === undefined &&
    given.throwOnError === undefined &&
    !given.maxRedirections
  ) {
    return options;
  }
  const { dispatcher: _dispatcher, maxRedirections: _redirections, throwOnError: _throw, ...request } = given;
  if (length === undefined) return request;
  return { ...request, headers: { ...(given.headers as Record<string, string>), 'content-length': length } };
}

/** The length that was written twice, if one was. */
function contentLength(headers: Options['headers']): string | undefined {
  if (headers === null || typeof headers !== 'object' || Array.isArray(headers)) return undefined;
  const length = (headers as Record<string, unknown>)['content-length'];
  if (typeof length !== 'string' || !length.includes(',')) return undefined;
  const [first, ...others] = length.split(',').map((part) => part.trim());
  return others.every((other) => other === first) ? first : undefined;
}
