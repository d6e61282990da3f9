import { Fault } from '../../resolver/index.ts';

/** The largest object that is read, bytes: etcd holds none above 1.5 MB, whose JSON may be about twice that. */
export const LONGEST_OBJECT: number = 4 * 1_024 * 1_024;

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

/** The lines of a body, split as bytes so that a character may lie across two chunks. The last needs no newline. */
export async function* linesOf(
  body: AsyncIterable<Uint8Array>,
  longest: number = LONGEST_OBJECT,
): AsyncIterable<string> {
  const kept = new Kept(longest);
  for await (const chunk of body) {
    const bytes = bufferOf(chunk);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      const line = kept.take(bytes.subarray(start, end));
      if (line !== '') yield line;
      start = end + 1;
    }
    kept.add(bytes.subarray(start));
  }
  const rest = kept.take(Buffer.alloc(0));
  if (rest !== '') yield rest;
}

/**
 * The items of a Kubernetes list while it arrives, each as its JSON, and at last what was around them. So a list of any
 * size is parsed in pieces no larger than one item: parsed whole, ten thousand endpoints would hold up the process.
 */
export async function* itemsOf(
  body: AsyncIterable<Uint8Array>,
  longest: number = LONGEST_OBJECT,
): AsyncIterable<{ readonly item: string } | { readonly envelope: string }> {
  const item = new Kept(longest);
  const envelope = new Kept(longest);
  let depth = 0;
  let inString = false;
  let escaped = false;
  // Lists within the outermost object hold the items; `inItems` while in one of them.
  let inItems = false;
  for await (const chunk of body) {
    const bytes = bufferOf(chunk);
    let start = 0;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) inString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        depth++;
        if (depth === 2) inItems = byte === OPEN_LIST;
        else if (depth === 3 && inItems) {
          envelope.add(bytes.subarray(start, at));
          start = at;
        }
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        depth--;
        if (depth === 2 && inItems) {
          yield { item: item.take(bytes.subarray(start, at + 1)) };
          start = at + 1;
        } else if (depth === 1) inItems = false;
      }
    }
    (depth > 2 && inItems ? item : envelope).add(bytes.subarray(start));
  }
  // The commas between items are left where the items were.
  yield { envelope: envelope.take(Buffer.alloc(0)).replace(/\[[\s,]*\]/g, '[]') };
}

/** Bytes of an object that has not ended yet. */
class Kept {
  readonly #longest: number;
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(longest: number) {
    this.#longest = longest;
  }

  add(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#size += bytes.length;
    if (this.#size > this.#longest) {
      throw new Fault('OVERSIZED', `the API server sent an object above ${this.#longest} bytes`);
    }
    this.#chunks.push(bytes);
  }

  /** All of it with `last` at its end, as text. */
  take(last: Buffer): string {
    if (this.#size === 0 && last.length <= this.#longest) return last.toString();
    this.add(last);
    const text = Buffer.concat(this.#chunks, this.#size).toString();
    this.#chunks = [];
    this.#size = 0;
    return text;
  }
}

function bufferOf(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

/**
 * @throws Fault `MALFORMED` where `text` is no JSON object.
 */
export function parseObject(text: string): { readonly [field: string]: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Fault('MALFORMED', `the API server sent what is no JSON: ${JSON.stringify(text.slice(0, 80))}`, error);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as never;
  throw new Fault('MALFORMED', `the API server sent ${JSON.stringify(text.slice(0, 80))} where an object should be`);
}
