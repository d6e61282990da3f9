import { getServers } from 'node:dns';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Clock } from '../../core/clock.ts';
import { canonical, parseServer, type Server } from './target.ts';

/** What the host says of names. It is read while names are watched, so that a change is seen. */
export interface System {
  servers(): readonly Server[];
  /** The search list and `ndots` of /etc/resolv.conf. */
  search(): Promise<Search>;
  /** The addresses that /etc/hosts has for a name. */
  hosts(name: string): Promise<readonly string[]>;
  /** Which families reach beyond this host. */
  families(): { readonly v4: boolean; readonly v6: boolean };
}

export interface Search {
  readonly domains: readonly string[];
  /** A name with fewer dots than this is tried within the domains first. */
  readonly ndots: number;
}

/** What is read of the host holds this long, so that a service of a thousand names does not read it a thousand times; ms. */
const RECENT = 1_000;

/** This host. */
export function systemOf(clock: Clock): System {
  const resolvConf = recent(clock, () => textOf('/etc/resolv.conf').then(parseResolvConf));
  const hosts = recent(clock, () => textOf(HOSTS));
  return {
    servers: () =>
      getServers()
        .map(parseServer)
        .filter((server) => server !== undefined),
    search: resolvConf,
    hosts: async (name) => parseHosts(await hosts(), name),
    families: recent(clock, familiesOfHost),
  };
}

const HOSTS =
  process.platform === 'win32'
    ? `${process.env['SystemRoot'] ?? 'C:\\Windows'}\\System32\\drivers\\etc\\hosts`
    : '/etc/hosts';

function recent<T>(clock: Clock, read: () => T): () => T {
  let known: { value: T; until: number } | undefined;
  return () => {
    const now = clock.now();
    if (known === undefined || now >= known.until) known = { value: read(), until: now + RECENT };
    return known.value;
  };
}

function familiesOfHost(): { v4: boolean; v6: boolean } {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outside = all.filter(({ internal, address }) => !internal && !/^(fe[89ab].:|169\.254\.)/i.test(address));
  return {
    v4: outside.some(({ family }) => family === 'IPv4'),
    v6: outside.some(({ family }) => family === 'IPv6'),
  };
}

/** A host without such a file has nothing to say. */
async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return '';
  }
}

/** Reads resolv.conf(5): the last `search` or `domain` line counts; `ndots` is 1 unless given, 15 at most. */
export function parseResolvConf(text: string): Search {
  let domains: string[] = [];
  let ndots = 1;
  for (const [word, ...rest] of lines(text)) {
    if (word === 'search') domains = rest;
    else if (word === 'domain') domains = rest.slice(0, 1);
    else if (word === 'options') {
      for (const option of rest) if (/^ndots:\d+$/.test(option)) ndots = Math.min(15, Number(option.slice(6)));
    }
  }
  return { domains: domains.map(canonical).filter((domain) => domain !== ''), ndots };
}

/** The addresses that hosts(5) has for `name`, which is in lower case. */
export function parseHosts(text: string, name: string): string[] {
  const addresses = [];
  for (const [address, ...names] of lines(text)) {
    if (isIP(address!) !== 0 && names.some((other) => canonical(other) === name)) addresses.push(address!);
  }
  return [...new Set(addresses)];
}

function lines(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => line.replace(/[#;].*/, '').trim())
    .filter((line) => line !== '')
    .map((line) => line.split(/\s+/));
}

/** The absolute names that `name` may stand for, in the order to try. A dot at its end makes it absolute. */
export function candidates(name: string, { domains, ndots }: Search): string[] {
  const absolute = canonical(name);
  if (name.endsWith('.')) return [absolute];
  const within = domains.map((domain) => `${absolute}.${domain}`);
  const dots = absolute.split('.').length - 1;
  return [...new Set(dots >= ndots ? [absolute, ...within] : [...within, absolute])];
}
