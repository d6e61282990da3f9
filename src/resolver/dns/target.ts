import { isIP } from 'node:net';
import { nearest } from '../nearest.ts';

/** A DNS server's address and port. */
export interface Server {
  readonly host: string;
  readonly port: number;
}

/** What a `dns://` or `srv://` target says. */
export interface DnsTarget {
  /** As written, in lower case; a dot at its end means that it is not searched for in other domains. */
  readonly name: string;
  /** 0 for `srv://`, whose records carry the port. */
  readonly port: number;
  /** Those to ask instead of the host's own. */
  readonly servers: readonly Server[] | undefined;
  readonly family: 4 | 6 | undefined;
}

const OPTIONS = ['server', 'family'];

/** Reads a target, or tells in words what is wrong with it. `dns:///name:port`, as gRPC writes it, is read too. */
export function parseDnsTarget(target: string): DnsTarget | string {
  const match = /^(dns|srv):\/\/\/?(\[[^\]/?#]+\]|[^:/?#[\]]*)(?::([^/?#]*))?(\/[^?#]*)?(?:\?([^#]*))?(#.*)?$/i.exec(
    target,
  );
  if (match === null) return 'is no name and port; write dns://name:port or srv://_service._proto.name';
  const [, scheme, host, portText, path, query, hash] = match;
  const name = host!.startsWith('[') ? host!.slice(1, -1) : host!.toLowerCase();
  if ((path ?? '/') !== '/' || hash !== undefined)
    return `has ${JSON.stringify(path ?? hash)} after the name; leave it out`;
  const wrong = nameProblem(name, host!.startsWith('['));
  if (wrong !== undefined) return wrong;
  const options = optionsOf(new URLSearchParams(query ?? ''));
  if (typeof options === 'string') return options;
  if (scheme!.toLowerCase() === 'srv') {
    if (isIP(name) !== 0) return 'is an address; SRV records belong to a name such as _http._tcp.orders.internal';
    return portText === undefined
      ? { name, port: 0, ...options }
      : 'has a port; SRV records bring their own, leave it out';
  }
  if (portText === undefined) return `has no port; write dns://${host}:80`;
  const port = Number(portText);
  if (!/^\d{1,5}$/.test(portText) || port < 1 || port > 65_535) {
    return `has the port ${JSON.stringify(portText)}; write a number from 1 to 65535`;
  }
  return { name, port, ...options };
}

function nameProblem(name: string, bracketed: boolean): string | undefined {
  if (name === '' || name === '.') return 'has no name';
  if (bracketed)
    return isIP(name) === 6 ? undefined : `has ${JSON.stringify(name)} in brackets, which is no IPv6 address`;
  if (name.replace(/\.$/, '').length > 253) return 'has a name of more than 253 characters';
  for (const label of name.replace(/\.$/, '').split('.')) {
    if (label === '') return 'has a name with an empty part between two dots';
    if (label.length > 63) return `has the part ${JSON.stringify(label)} of more than 63 characters`;
    if (!/^[a-z0-9_-]+$/.test(label)) return `has ${JSON.stringify(label)} in its name; use letters, digits, - and _`;
  }
  return undefined;
}

function optionsOf(query: URLSearchParams): Pick<DnsTarget, 'servers' | 'family'> | string {
  let servers: Server[] | undefined;
  let family: 4 | 6 | undefined;
  for (const [key, value] of query) {
    if (key === 'server') {
      servers = [];
      for (const text of value.split(',')) {
        const server = parseServer(text);
        if (server === undefined) return `has the server ${JSON.stringify(text)}; write ip, ip:port or [ipv6]:port`;
        servers.push(server);
      }
    } else if (key === 'family') {
      if (value !== '4' && value !== '6') return `has the family ${JSON.stringify(value)}; write 4 or 6`;
      family = value === '4' ? 4 : 6;
    } else return `has the unknown option ${JSON.stringify(key)}; did you mean ${nearest(key, OPTIONS)}?`;
  }
  return { servers, family };
}

/** Reads `ip`, `ip:port` or `[ip]:port`; undefined where it is none of them. */
export function parseServer(text: string): Server | undefined {
  const match = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text) ?? /^([^:]+)(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? text;
  const port = Number(match?.[2] ?? 53);
  return isIP(host) === 0 || port < 1 || port > 65_535 ? undefined : { host, port };
}

/** `10.0.0.2:53`, `[fd00::2]:53`. */
export function joinAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Names compare without case and without the dot of the root at their end. */
export function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
