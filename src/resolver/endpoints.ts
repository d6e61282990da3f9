import { nearest } from './nearest.ts';
import { type EndpointInfo, parseAddress } from '../model/endpoint.ts';

/** Whether two sets tell the same, in whatever order. */
export function sameEndpoints(before: readonly EndpointInfo[], after: readonly EndpointInfo[]): boolean {
  if (before === after) return true;
  if (before.length !== after.length) return false;
  // Of large sets a small part changes, as a rule, and the rest stays in its place.
  const moved: number[] = [];
  for (const [index, endpoint] of before.entries()) if (!sameEndpoint(endpoint, after[index]!)) moved.push(index);
  const known = new Map<string, EndpointInfo>();
  for (const index of moved) known.set(before[index]!.address, before[index]!);
  return moved.every((index) => {
    const other = known.get(after[index]!.address);
    return other !== undefined && sameEndpoint(other, after[index]!);
  });
}

function sameEndpoint(a: EndpointInfo, b: EndpointInfo): boolean {
  if (a === b) return true;
  return (
    a.address === b.address &&
    (a.weight ?? 1) === (b.weight ?? 1) &&
    (a.priority ?? 0) === (b.priority ?? 0) &&
    a.zone === b.zone &&
    a.protocol === b.protocol &&
    (a.metadata === b.metadata || sameMetadata(a.metadata ?? {}, b.metadata ?? {}))
  );
}

function sameMetadata(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

/** Each address once: of several, the one of lowest priority, and of those the first. */
export function distinctByAddress(endpoints: readonly EndpointInfo[]): readonly EndpointInfo[] {
  const distinct = new Map<string, EndpointInfo>();
  for (const endpoint of endpoints) {
    const other = distinct.get(endpoint.address);
    if (other === undefined || (endpoint.priority ?? 0) < (other.priority ?? 0))
      distinct.set(endpoint.address, endpoint);
  }
  return distinct.size === endpoints.length ? endpoints : [...distinct.values()];
}

const FIELDS = ['address', 'weight', 'zone', 'priority', 'metadata', 'protocol'];
const PROTOCOLS: readonly unknown[] = ['http', 'https', 'h2', 'h2c'];

/**
 * Reads endpoints from data that someone wrote: addresses, or objects with an `address` and more.
 * What is wrong is added to `problems`, each with its path.
 */
export function readEndpoints(list: readonly unknown[], path: string, problems: string[]): EndpointInfo[] {
  const endpoints: EndpointInfo[] = [];
  for (const [index, item] of list.entries()) {
    const endpoint = readEndpoint(typeof item === 'string' ? { address: item } : item, `${path}[${index}]`, problems);
    if (endpoint !== undefined) endpoints.push(endpoint);
  }
  return endpoints;
}

function readEndpoint(item: unknown, path: string, problems: string[]): EndpointInfo | undefined {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    problems.push(`${path} is ${JSON.stringify(item)}; write "host:port" or { "address": "host:port" }`);
    return undefined;
  }
  const { address, weight, zone, priority, metadata, protocol } = item as { [field: string]: unknown };
  const before = problems.length;
  for (const field of Object.keys(item)) {
    if (!FIELDS.includes(field)) problems.push(`${path}.${field} is unknown; did you mean ${nearest(field, FIELDS)}?`);
  }
  const wrong = addressProblem(address);
  if (wrong !== undefined) problems.push(`${path}.address: ${wrong}`);
  if (weight !== undefined && !(typeof weight === 'number' && Number.isFinite(weight) && weight >= 0)) {
    problems.push(`${path}.weight is ${JSON.stringify(weight)}; write a number, 0 or more`);
  }
  if (zone !== undefined && typeof zone !== 'string')
    problems.push(`${path}.zone is ${JSON.stringify(zone)}; write a text`);
  if (priority !== undefined && !(Number.isSafeInteger(priority) && (priority as number) >= 0)) {
    problems.push(`${path}.priority is ${JSON.stringify(priority)}; write a whole number, 0 (used first) or more`);
  }
  if (metadata !== undefined && !isTextRecord(metadata)) {
    problems.push(`${path}.metadata is ${JSON.stringify(metadata)}; write an object of texts`);
  }
  if (protocol !== undefined && !PROTOCOLS.includes(protocol)) {
    problems.push(`${path}.protocol is ${JSON.stringify(protocol)}; write http, https, h2 or h2c`);
  }
  if (problems.length > before) return undefined;
  const given = { address, weight, zone, priority, metadata, protocol };
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as unknown as EndpointInfo;
}

/** What is wrong with `address` as `host:port`, if anything. */
export function addressProblem(address: unknown): string | undefined {
  if (typeof address !== 'string') return `${JSON.stringify(address)} is no address; write "host:port"`;
  try {
    parseAddress(address);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function isTextRecord(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((text) => typeof text === 'string')
  );
}
