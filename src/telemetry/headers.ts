import { hasHeader, type HeaderValue as Value, pairsOf, type RequestHeaders } from '../model/request.ts';

export { hasHeader, type RequestHeaders };

/** Headers to set, by lower-case name; undefined takes the header out. */
export type HeaderChanges = Readonly<Record<string, string | undefined>>;

/**
 * `headers` with `changes`: each replaces all of its name, in whatever case; the order and duplicates of the others stay.
 * A plain object, or nothing, gives a plain object; everything else the flat `[name, value, name, value]` that undici takes.
 * What was given is not changed. A header of a plain object whose value is undefined is not sent.
 */
export function withHeaders(headers: RequestHeaders, changes: HeaderChanges): Record<string, Value> | Value[] {
  if (headers === null || headers === undefined) return { ...changes };
  if (!(Symbol.iterator in headers)) return withFields(headers as Record<string, Value>, changes);
  const result: Value[] = [];
  for (const [name, value] of pairsOf(headers as Iterable<unknown>)) {
    if (!isChanged(name, changes)) result.push(name, value);
  }
  for (const [name, value] of Object.entries(changes)) if (value !== undefined) result.push(name, value);
  return result;
}

/** Names in lower case, which is nearly all there are, cost one spread, whose shape V8 knows; undici skips undefined. */
function withFields(headers: Record<string, Value>, changes: HeaderChanges): Record<string, Value> {
  for (const name of Object.keys(headers)) {
    const lowerCase = name.toLowerCase();
    if (lowerCase !== name && Object.hasOwn(changes, lowerCase)) {
      const others = Object.entries(headers).filter(([other]) => !isChanged(other, changes));
      return { ...Object.fromEntries(others), ...changes };
    }
  }
  return { ...headers, ...changes };
}

function isChanged(name: string, changes: HeaderChanges): boolean {
  return Object.hasOwn(changes, name) || Object.hasOwn(changes, String(name).toLowerCase());
}
