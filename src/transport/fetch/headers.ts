/** What fetch does with a request header besides sending it. */
type Role =
  | 'plain'
  | 'accept'
  | 'accept-language'
  | 'user-agent'
  | 'accept-encoding'
  | 'content-type'
  | 'content-length'
  | 'pragma'
  | 'cache-control'
  | 'conditional'
  | 'dropped'
  | 'odd';

interface Name {
  readonly lower: string;
  readonly role: Role;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~A-Za-z0-9]+$/;
const TIDY = /^[!-~\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[!-~\x80-\xff])?$/;
const SPACE_AROUND = /^[\t\n\r ]+|[\t\n\r ]+$/g;

const ROLES: Readonly<Record<string, Role>> = {
  accept: 'accept',
  'accept-language': 'accept-language',
  'user-agent': 'user-agent',
  'accept-encoding': 'accept-encoding',
  'content-type': 'content-type',
  'content-length': 'content-length',
  pragma: 'pragma',
  'cache-control': 'cache-control',
  'if-modified-since': 'conditional',
  'if-none-match': 'conditional',
  'if-unmodified-since': 'conditional',
  'if-match': 'conditional',
  'if-range': 'conditional',
  // fetch sets these itself whatever the caller says.
  host: 'dropped',
  'sec-fetch-mode': 'dropped',
  // A range turns off compression and marks the response: left to built-in fetch.
  range: 'odd',
};

const NAMES_KEPT = 1024;
const names = new Map<string, Name>();

function learn(name: string): Name {
  const lower = name.toLowerCase();
  const role =
    TOKEN.test(name) && lower !== '__proto__' ? (Object.hasOwn(ROLES, lower) ? ROLES[lower]! : 'plain') : 'odd';
  const learned = { lower, role };
  if (names.size >= NAMES_KEPT) names.clear();
  names.set(name, learned);
  return learned;
}

/** The value as it goes on the wire, or undefined if built-in fetch must say what is wrong with it. */
function tidy(value: unknown): string | undefined {
  if (typeof value !== 'string') {
    if (typeof value !== 'number' && typeof value !== 'boolean') return undefined;
    value = String(value);
  }
  const text = value as string;
  if (text === '' || TIDY.test(text)) return text;
  const trimmed = text.replace(SPACE_AROUND, '');
  return trimmed === '' || TIDY.test(trimmed) ? trimmed : undefined;
}

const NONE: ReadonlySet<Role> = new Set();

/** What the rest of a request says about its headers. */
export interface Surroundings {
  readonly secure: boolean;
  readonly cache: 'default' | 'no-store' | 'reload' | 'no-cache';
  /** The content-type that the body brings along. */
  readonly contentType: string | undefined;
  /** The content-length to announce; undefined for none. */
  readonly contentLength: string | undefined;
}

/** Headers ready for the wire, by the names as the caller spelled them. */
export interface WireHeaders {
  readonly fields: Record<string, string>;
  /** The caller chose an accept-encoding, so a redirect to another scheme must not. */
  readonly ownEncoding: boolean;
}

export function acceptEncoding(secure: boolean): string {
  return secure ? 'br, gzip, deflate' : 'gzip, deflate';
}

/**
 * The caller's headers followed by what fetch adds, in its order. Undefined if a name or a value is one that only
 * built-in fetch can judge: it then gets the whole request, and its error.
 */
export function wireHeaders(given: unknown, around: Surroundings): WireHeaders | undefined {
  const fields: Record<string, string> = {};
  const roles = given === undefined ? NONE : new Set<Role>();
  if (given !== undefined && !collect(given, fields, roles as Set<Role>)) return undefined;

  if (around.contentType !== undefined && !roles.has('content-type')) fields['content-type'] = around.contentType;
  if (!roles.has('accept')) fields['accept'] = '*/*';
  if (!roles.has('accept-language')) fields['accept-language'] = '*';
  if (around.contentLength !== undefined && !roles.has('content-length'))
    fields['content-length'] = around.contentLength;
  fields['sec-fetch-mode'] = 'cors';
  if (!roles.has('user-agent')) fields['user-agent'] = 'node';
  const fresh = around.cache === 'default' && roles.has('conditional') ? 'no-store' : around.cache;
  if (fresh === 'no-cache') {
    if (!roles.has('cache-control')) fields['cache-control'] = 'max-age=0';
  } else if (fresh !== 'default') {
    if (!roles.has('pragma')) fields['pragma'] = 'no-cache';
    if (!roles.has('cache-control')) fields['cache-control'] = 'no-cache';
  }
  const ownEncoding = roles.has('accept-encoding');
  if (!ownEncoding) fields['accept-encoding'] = acceptEncoding(around.secure);
  return { fields, ownEncoding };
}

function collect(given: unknown, fields: Record<string, string>, roles: Set<Role>): boolean {
  if (typeof given !== 'object' || given === null) return false;
  const spelled = new Map<string, string>();
  const add = (name: unknown, value: unknown): boolean => {
    if (typeof name !== 'string') return false;
    const { lower, role } = names.get(name) ?? learn(name);
    const text = tidy(value);
    if (role === 'odd' || text === undefined) return false;
    if (role === 'dropped') return true;
    roles.add(role);
    const before = spelled.get(lower);
    if (before === undefined) {
      spelled.set(lower, name);
      fields[name] = text;
    } else {
      fields[before] = `${fields[before]}${lower === 'cookie' ? '; ' : ', '}${text}`;
    }
    return true;
  };
  if (Array.isArray(given)) {
    return given.every((pair) => Array.isArray(pair) && pair.length === 2 && add(pair[0], pair[1]));
  }
  const prototype: unknown = Object.getPrototypeOf(given);
  if (prototype === Object.prototype || prototype === null) {
    for (const name in given) if (!add(name, (given as Record<string, unknown>)[name])) return false;
    return Object.getOwnPropertySymbols(given).length === 0;
  }
  if (prototype !== Headers.prototype && !(given instanceof Headers)) return false;
  for (const [name, value] of given as Headers) if (!add(name, value)) return false;
  return true;
}
