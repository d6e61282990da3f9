import { FetchCall, type FetchDispatcher } from './call.ts';
import { readRequest } from './request.ts';

type Fetch = typeof globalThis.fetch;

/** Taken when this module loads: an application may later put the mesh's fetch in its place. */
const builtIn: Fetch = globalThis.fetch;

/** The members that fetch reads from its options, whatever kind of object they come in. */
const OPTIONS = [
  'method',
  'headers',
  'body',
  'referrer',
  'referrerPolicy',
  'mode',
  'credentials',
  'cache',
  'redirect',
  'integrity',
  'keepalive',
  'signal',
  'window',
  'duplex',
  'priority',
] as const;

function withDispatcher(init: unknown, dispatcher: object): unknown {
  // Not an object, or with a dispatcher of the caller's own: built-in fetch knows what to do.
  if (
    (typeof init !== 'object' && typeof init !== 'function' && init !== undefined) ||
    (init as null)?.['dispatcher']
  ) {
    return init;
  }
  const options: Record<string, unknown> = { dispatcher };
  if (init === undefined || init === null) return options;
  for (const name of OPTIONS) {
    const value = (init as Record<string, unknown>)[name];
    if (value !== undefined) options[name] = value;
  }
  return options;
}

/**
 * A fetch over a dispatcher of undici 8, with the signature, the classes and the behaviour of Node's own.
 *
 * @param dispatcher - where requests go.
 * @param legacyView - the same for the built-in fetch, which takes over for the rarer shapes of call: in Node 22 and 24
 * it speaks an older handler contract, which undici's `Dispatcher1Wrapper` translates.
 * @defaultValue `legacyView` is the dispatcher itself.
 */
export function createFetch(dispatcher: FetchDispatcher, legacyView: object = dispatcher): Fetch {
  // oxlint-disable-next-line typescript/no-useless-default-assignment -- its length is 1, as that of the built-in
  function fetch(input: unknown, init: unknown = undefined): Promise<Response> {
    const request = readRequest(input, init);
    if (request === undefined) {
      if (arguments.length === 0) return (builtIn as () => Promise<Response>)();
      return builtIn(input as string, withDispatcher(init, legacyView) as RequestInit);
    }
    const { signal } = request;
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      new FetchCall(dispatcher, request, { resolve, reject }).begin();
    });
  }
  return fetch;
}
