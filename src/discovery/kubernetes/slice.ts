import { isIP } from 'node:net';
import { Fault } from '../../resolver/index.ts';

/** An EndpointSlice as far as it matters here. */
export interface Slice {
  readonly name: string;
  readonly service: string;
  readonly family: 4 | 6;
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly SliceEndpoint[];
}

export interface SlicePort {
  readonly name: string;
  /** Undefined: the slice does not restrict it. */
  readonly port: number | undefined;
  readonly appProtocol: string | undefined;
}

export interface SliceEndpoint {
  readonly ip: string;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly zone: string | undefined;
  readonly node: string | undefined;
  /** For whom the control plane means it; undefined where it gives no hint. */
  readonly forZones: readonly string[] | undefined;
  readonly forNodes: readonly string[] | undefined;
}

/** The label that names the Service of a slice. */
export const SERVICE_LABEL = 'kubernetes.io/service-name';

/** An object from the API, of which nothing is certain. */
export type Json = { readonly [field: string]: unknown };

/**
 * Reads an EndpointSlice of discovery.k8s.io/v1; undefined for one that names no Service or holds host names.
 * @throws Fault `MALFORMED` where it is none. An endpoint without a usable address, and a port that is not TCP, are left out.
 */
export function readSlice(object: unknown, strings: Strings): Slice | undefined {
  const { metadata, addressType, endpoints, ports } = objectOf(object, 'an EndpointSlice');
  const { name, labels } = objectOf(metadata, 'metadata');
  if (typeof name !== 'string' || name === '') throw malformed('metadata.name is missing');
  const service = labels === undefined || labels === null ? undefined : objectOf(labels, 'labels')[SERVICE_LABEL];
  if (typeof service !== 'string' || service === '' || addressType === 'FQDN') return undefined;
  if (addressType !== 'IPv4' && addressType !== 'IPv6')
    throw malformed(`addressType is ${JSON.stringify(addressType)}`);
  const family = addressType === 'IPv4' ? 4 : 6;
  return {
    name,
    service: strings.of(service),
    family,
    ports: listOf(ports, 'ports').flatMap((port) => readPort(port, strings) ?? []),
    endpoints: listOf(endpoints, 'endpoints').flatMap((endpoint) => readEndpoint(endpoint, family, strings) ?? []),
  };
}

function readPort(value: unknown, strings: Strings): SlicePort | undefined {
  const { name, port, protocol, appProtocol } = objectOf(value, 'a port');
  if ((protocol ?? 'TCP') !== 'TCP') return undefined;
  const open = port === undefined || port === null;
  if (!open && !(Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65_535)) return undefined;
  return {
    name: typeof name === 'string' ? strings.of(name) : '',
    port: open ? undefined : (port as number),
    appProtocol: typeof appProtocol === 'string' ? strings.of(appProtocol) : undefined,
  };
}

/** Only the first address counts: the API says that the others are the same endpoint, and nobody uses them. */
function readEndpoint(value: unknown, family: 4 | 6, strings: Strings): SliceEndpoint | undefined {
  const { addresses, conditions, zone, nodeName, hints } = objectOf(value, 'an endpoint');
  const ip = listOf(addresses, 'addresses')[0];
  if (typeof ip !== 'string' || isIP(ip) !== family) return undefined;
  const { ready, serving, terminating } = objectOf(conditions ?? {}, 'conditions');
  const { forZones, forNodes } = objectOf(hints ?? {}, 'hints');
  return {
    ip,
    // Unknown counts as ready and serving, and as not terminating.
    ready: ready !== false,
    serving: serving !== false,
    terminating: terminating === true,
    zone: typeof zone === 'string' ? strings.of(zone) : undefined,
    node: typeof nodeName === 'string' ? strings.of(nodeName) : undefined,
    forZones: namesIn(forZones, strings),
    forNodes: namesIn(forNodes, strings),
  };
}

function namesIn(value: unknown, strings: Strings): readonly string[] | undefined {
  const names = listOf(value, 'hints').flatMap((hint) => {
    const { name } = objectOf(hint, 'a hint');
    return typeof name === 'string' ? [strings.of(name)] : [];
  });
  return names.length === 0 ? undefined : strings.list(names);
}

function objectOf(value: unknown, what: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw malformed(`${what} is ${Array.isArray(value) ? 'a list' : String(value)}`);
}

/** Go writes a list that is empty as null, or not at all. */
function listOf(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw malformed(`${what} is no list`);
}

function malformed(what: string): Fault {
  return new Fault('MALFORMED', `the API server sent something that is no EndpointSlice: ${what}`);
}

/** How many different strings are shared; more than any cluster has zones and nodes. */
const SHARED = 20_000;

/** Zones, nodes and hints repeat in every endpoint; each is kept once. */
export class Strings {
  readonly #known: Map<string, string> = new Map();
  readonly #lists: Map<string, readonly string[]> = new Map();

  of(text: string): string {
    return shared(this.#known, text, text);
  }

  list(names: readonly string[]): readonly string[] {
    return shared(this.#lists, names.join('\n'), names);
  }
}

function shared<T>(known: Map<string, T>, key: string, value: T): T {
  const other = known.get(key);
  if (other !== undefined) return other;
  if (known.size < SHARED) known.set(key, value);
  return value;
}
