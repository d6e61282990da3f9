import { acceptEncoding } from './headers.ts';
import { type PlainRequest } from './request.ts';
import { isBlocked, targetOf } from './target.ts';

/** As many hops as a fetch follows. */
const HOPS_MOST = 20;

const BODY_HEADERS: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
  'content-length',
]);

/** What one origin must not see of what was meant for another. */
const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie', 'host']);

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export function isRedirect(status: number): boolean {
  return REDIRECTS.has(status);
}

/** Bytes beyond ASCII in a location are UTF-8 that the parser read as Latin-1. */
function legible(location: string): string {
  return /[^\x21-\x7e]/.test(location) ? Buffer.from(location, 'latin1').toString('utf8') : location;
}

function without(fields: Record<string, string>, names: ReadonlySet<string>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.has(name.toLowerCase())));
}

/**
 * The request that follows a redirect, by https://fetch.spec.whatwg.org/#http-redirect-fetch. A body is always one that
 * can be sent again.
 *
 * @throws Error with the words of built-in fetch, if it may not be followed.
 */
export function followRedirect(request: PlainRequest, status: number, location: string, hops: number): PlainRequest {
  const url = new URL(legible(location), request.target.url);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('URL scheme must be a HTTP(S) scheme');
  if (hops >= HOPS_MOST) throw new Error('redirect count exceeded');
  if (url.username !== '' || url.password !== '') {
    throw new Error('cross origin not allowed for request mode "cors"');
  }
  if (isBlocked(url)) throw new Error('bad port');

  const target = targetOf(url);
  let { method, body, fields } = request;
  const rewritten =
    ((status === 301 || status === 302) && method === 'POST') ||
    (status === 303 && method !== 'GET' && method !== 'HEAD');
  if (rewritten) {
    method = 'GET';
    body = null;
    fields = without(fields, BODY_HEADERS);
  }
  if (target.origin !== request.target.origin) fields = without(fields, CREDENTIALS);
  if (!request.ownEncoding) fields = { ...fields, 'accept-encoding': acceptEncoding(url.protocol === 'https:') };
  return { ...request, target, method, body, fields };
}
