import type { Env } from '../core/env.ts';
import type { EndpointInfo } from '../model/endpoint.ts';
import type { Resolver } from '../model/snapshot.ts';
import { addressProblem } from './endpoints.ts';
import { resolverOf } from './feed.ts';

/** Tells of fixed endpoints, once. */
export function staticResolver(target: string, endpoints: readonly EndpointInfo[], env: Env): Resolver {
  return resolverOf(target, env, (feed) => {
    queueMicrotask(() => feed.good(endpoints));
    return { stop() {} };
  });
}

/** The endpoints of `static://a:1,b:2`. */
export function readStaticTarget(target: string): EndpointInfo[] {
  return addressesIn(target).map((address) => ({ address }));
}

/** What is wrong with `static://a:1,b:2`, if anything. */
export function staticProblem(target: string): string | undefined {
  for (const address of addressesIn(target)) {
    if (address === '') return 'has an empty address; write static://host:port,host:port';
    const problem = addressProblem(address);
    if (problem !== undefined) return `has a wrong address: ${problem}`;
  }
  return undefined;
}

function addressesIn(target: string): string[] {
  return target
    .replace(/^static:\/\//i, '')
    .split(',')
    .map((address) => address.trim());
}
