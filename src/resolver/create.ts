import type { Env } from '../core/env.ts';
import { MeshError } from '../core/errors.ts';
import type { EndpointInfo } from '../model/endpoint.ts';
import type { Resolver } from '../model/snapshot.ts';
import { chainResolver } from './chain.ts';
import { readEndpoints } from './endpoints.ts';
import { lazyResolver } from './lazy.ts';
import { type Schemes, standardSchemes } from './schemes.ts';
import { staticResolver } from './static.ts';
import { checkTarget, isEndpointList, isResolver, schemeOf, type Target } from './target.ts';

/**
 * The resolver of a target. Making one does nothing: no timer, socket or file watch, and no code loaded, before `watch`.
 * @param schemes what target strings may begin with, by default `standardSchemes`.
 * @throws MeshError `INMESH_CONFIG` where the target is wrong, with all that `checkTarget` finds.
 */
export function createResolver(target: Target, env: Env, schemes: Schemes = standardSchemes): Resolver {
  const problem = checkTarget(target, schemes);
  if (problem !== undefined) throw new MeshError('INMESH_CONFIG', problem, { sent: false });
  return build(target, env, schemes);
}

function build(target: Target, env: Env, schemes: Schemes): Resolver {
  if (typeof target === 'string') return lazyResolver(target, schemeOf(target, schemes), env);
  if (isResolver(target)) return target;
  if (isEndpointList(target)) {
    const endpoints = readEndpoints(target, 'target', []);
    return staticResolver(nameOf(endpoints), endpoints, env);
  }
  const links = target.map((link) => build(link, env, schemes));
  return links.length === 1 ? links[0]! : chainResolver(links.map((link) => link.target).join(', '), links, env);
}

/** The target string that says the same, cut where it would be long. */
function nameOf(endpoints: readonly EndpointInfo[]): string {
  const shown = endpoints.slice(0, 8).map(({ address }) => address);
  return `static://${shown.join()}${endpoints.length > shown.length ? `,… (${endpoints.length} in all)` : ''}`;
}
