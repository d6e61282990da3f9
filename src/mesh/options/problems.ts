import { editDistance } from '../../core/edit-distance.ts';
import type * as v from 'valibot';

/** A place in the options, as one writes it: `services.orders.retry.max`. */
export type Path = readonly PropertyKey[];

/** Keys that reach an object's prototype: never a name of anything, at any depth. */
const PROTOTYPE_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

const SHOWN = 60;

/** `services["orders.internal"].retry.max`; the whole is called `options`. */
export function pathText(path: Path): string {
  if (path.length === 0) return 'options';
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z_$][\w$-]{0,63}$/.test(String(part))) text += text === '' ? String(part) : `.${String(part)}`;
    else text += `[${show(String(part))}]`;
  }
  return text;
}

/** A value for a message: short, on one line, and no content of objects, which may be secret. */
export function show(value: unknown): string {
  if (typeof value === 'string') {
    const start = visible(JSON.stringify(value.slice(0, SHOWN)));
    return value.length > SHOWN ? `${start}… (${value.length} characters)` : start;
  }
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'bigint' ? `${value}n` : String(value);
}

/** `text` with everything escaped that has no shape of its own: control and format characters, line separators. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}

/** `did you mean retry?`, or all that is known where nothing is near. */
export function suggestion(key: string, known: readonly string[]): string {
  let nearest: string | undefined;
  let least = key.length > 40 ? 0 : Math.max(2, Math.floor(key.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(key.toLowerCase(), candidate.toLowerCase(), least);
    if (distance < least) [nearest, least] = [candidate, distance];
  }
  return nearest === undefined ? `known are ${known.join(', ')}` : `did you mean ${nearest}?`;
}

/**
 * What valibot leaves out: it stops at the first unknown key, takes arrays and class instances for objects, and skips
 * prototype keys of records in silence. Walks the input beside the schema.
 */
export function keyProblems(
  schema: v.GenericSchema,
  input: unknown,
  path: Path,
  report: (path: Path, text: string) => void,
): void {
  const node = schema as unknown as SchemaNode;
  if (node.type === 'optional' || node.type === 'exact_optional') {
    if (input !== undefined) keyProblems(node.wrapped!, input, path, report);
  } else if (node.type === 'lazy') {
    keyProblems(node.getter!(input), input, path, report);
  } else if (node.type === 'array') {
    if (Array.isArray(input)) input.forEach((item, index) => keyProblems(node.item!, item, [...path, index], report));
  } else if (node.type === 'strict_object' || node.type === 'record') {
    if (typeof input !== 'object' || input === null) return;
    if (!isPlain(input)) return report(path, `got ${kindOf(input)}; expected a plain object`);
    for (const key of Object.keys(input)) {
      const at = [...path, key];
      const inner =
        node.type === 'record' ? node.value : Object.hasOwn(node.entries!, key) ? node.entries![key] : undefined;
      if (PROTOTYPE_KEYS.has(key)) report(at, 'not allowed as a key');
      else if (inner === undefined) report(at, `unknown key; ${suggestion(key, Object.keys(node.entries!))}`);
      else keyProblems(inner, (input as Record<string, unknown>)[key], at, report);
    }
  }
}

interface SchemaNode {
  readonly type: string;
  readonly wrapped?: v.GenericSchema;
  readonly item?: v.GenericSchema;
  readonly value?: v.GenericSchema;
  readonly entries?: Readonly<Record<string, v.GenericSchema>>;
  readonly getter?: (input: unknown) => v.GenericSchema;
}

/** An object literal or parsed JSON, also of another realm. */
export function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    prototype === null ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf'))
  );
}

function kindOf(value: object): string {
  if (Array.isArray(value)) return 'an array';
  const { name } = (value.constructor as { name?: unknown } | undefined) ?? {};
  return typeof name === 'string' && name !== '' && name !== 'Object'
    ? `an instance of ${name.slice(0, SHOWN)}`
    : 'an object with a prototype';
}
