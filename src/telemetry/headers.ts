import type { Dispatcher } from 'undici';

/** Headers in every form that undici takes, and arrays of pairs. */
export type RequestHeaders = Dispatcher.DispatchOptions['headers'] | readonly (readonly [string, string])[];

/** Headers to set, by lower-case name; undefined takes the header out. */
export type HeaderChanges = Readonly<Record<string, string | undefined>>;

type Value = string | string[] | undefined;

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

/** Whether `headers` have the header `name`, which is lower case. */
export function hasHeader(headers: RequestHeaders, name: string): boolean {
  if (headers === null || headers === undefined) return false;
  const names = Symbol.iterator in headers ? pairsOf(headers as Iterable<unknown>) : Object.entries(headers as object);
  for (const [other, value] of names) if (String(other).toLowerCase() === name && value !== undefined) return true;
  return false;
}

function isChanged(name: string, changes: HeaderChanges): boolean {
  return Object.hasOwn(changes, name) || Object.hasOwn(changes, String(name).toLowerCase());
}

function* pairsOf(headers: Iterable<unknown>): Generator<[string, Value]> {
  if (!Array.isArray(headers) || Array.isArray(headers[0])) yield* headers as Iterable<[string, Value]>;
  else
    for (let index = 0; index < headers.length; index += 2)
      yield [headers[index] as string, headers[index + 1] as Value];
}
