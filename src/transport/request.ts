import type { Dispatcher } from 'undici';

type Options = Dispatcher.DispatchOptions & { dispatcher?: unknown; maxRedirections?: unknown; throwOnError?: unknown };

/**
 * A caller's options as undici 8 takes them: what undici 6 and 7 leave in theirs is dropped, and a content-length that
 * both the caller and fetch have written (`"7, 7"`, Node 22) is one again.
 */
export function requestOf(options: Dispatcher.DispatchOptions): Dispatcher.DispatchOptions {
  const {
    dispatcher: _dispatcher,
    maxRedirections: _redirections,
    throwOnError: _throw,
    ...request
  } = options as Options;
  const { headers } = request;
  if (headers === null || typeof headers !== 'object' || Array.isArray(headers)) return request;
  const length = (headers as Record<string, unknown>)['content-length'];
  if (typeof length !== 'string' || !length.includes(',')) return request;
  const [first, ...others] = length.split(',').map((part) => part.trim());
  if (!others.every((other) => other === first)) return request;
  return { ...request, headers: { ...headers, 'content-length': first } as Record<string, string> };
}
