/**
 * fetch, at a fraction of its price.
 *
 * **The problem.** Built-in `fetch` costs 100 µs a call and more, nearly all of it machinery of the standard that an
 * ordinary call to a service never looks at: a `Request`, two `Headers`, three streams and a dozen promises for a small
 * JSON answer. A mesh whose own share is 3 µs should not make its callers pay that.
 *
 * **The choice.** Two ways behind one signature. The common shape of call (a URL, a plain object, a body that is text or
 * bytes) is read by `readRequest` and sent by `FetchCall` straight over the dispatcher; its answer is the real
 * `Response` class, with a body that becomes a stream only if somebody asks for the stream (`stream.ts`). Every other
 * call, and every call with something wrong in it, goes to built-in fetch over the same dispatcher, which so remains
 * the judge of everything unusual and the author of every complaint.
 *
 * **The price.** The semantics of redirects, decoding, aborting and back-pressure are written here a second time. A
 * table of cases, run on both and compared field by field, holds them together (test/fetch); docs/fetch.md lists what
 * still differs.
 *
 * Source: https://fetch.spec.whatwg.org, as undici implements it.
 *
 * @module
 */
export type { FetchDispatcher } from './call.ts';
export { createFetch } from './fetch.ts';
