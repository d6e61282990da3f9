import type { Env } from '../core/env.ts';
import type { Resolver } from '../model/snapshot.ts';
import { parseDnsTarget } from './dns/target.ts';
import { readStaticTarget, staticProblem, staticResolver } from './static.ts';

/** How targets of one scheme become resolvers. */
export interface Scheme {
  /** What is wrong with a target, in words that follow it (`has no port; …`), if anything. Synchronous, touches nothing. */
  readonly check: (target: string) => string | undefined;
  /** The code that makes resolvers, loaded at the first `watch`; what it makes is given only targets that `check` passed. */
  readonly load: () => Promise<(target: string, env: Env) => Resolver> | ((target: string, env: Env) => Resolver);
}

/** Schemes by name, without `://`. */
export type Schemes = Readonly<Record<string, Scheme>>;

function dnsProblem(target: string): string | undefined {
  const parsed = parseDnsTarget(target);
  return typeof parsed === 'string' ? parsed : undefined;
}

async function loadDns(): Promise<(target: string, env: Env) => Resolver> {
  return (await import('./dns/load.ts')).makeResolver;
}

/** The schemes that need nothing but Node: to be spread into a larger record by those who add more. */
export const standardSchemes: Schemes = {
  static: {
    check: staticProblem,
    load: () => (target, env) => staticResolver(target, readStaticTarget(target), env),
  },
  dns: { check: dnsProblem, load: loadDns },
  srv: { check: dnsProblem, load: loadDns },
  file: { check: fileProblem, load: async () => (await import('./file.ts')).makeResolver },
};

function fileProblem(target: string): string | undefined {
  const url = URL.parse(target);
  if (url === null || url.host !== '' || !/^file:\/\/\//i.test(target)) {
    return 'has no absolute path; write three slashes: file:///etc/inmesh/orders.json';
  }
  if (url.search !== '' || url.hash !== '')
    return 'has something after the path; leave it out, or write %3F for ? and %23 for #';
  if (/%2f|%00/i.test(url.pathname)) return 'has an encoded slash or zero in its path; write the path plainly';
  return url.pathname.endsWith('/') ? 'names a directory; name a JSON file' : undefined;
}
