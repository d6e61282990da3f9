import { isDeepStrictEqual } from 'node:util';
import type { EndpointInfo } from '../model/endpoint.ts';
import type { Resolver } from '../model/snapshot.ts';
import { readEndpoints } from './endpoints.ts';
import { nearest } from './nearest.ts';
import { type Scheme, type Schemes, standardSchemes } from './schemes.ts';

/**
 * Where a service's endpoints come from: a target string, endpoints themselves, a resolver of one's own, or several
 * target strings and resolvers of which the first that has endpoints counts.
 */
export type Target = string | Resolver | readonly EndpointInfo[] | readonly (string | Resolver)[];

/** What is wrong with a target, in one sentence that names it and the remedy; undefined where nothing is. Opens nothing. */
export function checkTarget(target: unknown, schemes: Schemes = standardSchemes): string | undefined {
  if (typeof target === 'string') return stringProblem(target, schemes);
  if (isResolver(target)) return undefined;
  if (!Array.isArray(target)) {
    return `the target is ${shown(target)}; write one such as "dns://orders.internal:8080", or a list of endpoints`;
  }
  const list: readonly unknown[] = target;
  if (list.length === 0) return 'the target is an empty list; name at least one target or endpoint';
  if (!isEndpointList(list)) {
    const problems = list.map((item, index) => (isLink(item) ? checkTarget(item, schemes) : mixed(item, index)));
    return joined(problems.filter((problem) => problem !== undefined));
  }
  const problems: string[] = [];
  readEndpoints(list, 'target', problems);
  return joined(problems);
}

/** Whether a list is one of endpoints rather than of targets to fall back on. */
export function isEndpointList(list: readonly unknown[]): list is readonly EndpointInfo[] {
  return !list.some(isLink);
}

/** Whether two targets name the same. Resolvers are compared by identity, for what one watches does not show from outside. */
export function isSameTarget(one: unknown, other: unknown): boolean {
  if (isResolver(one) || isResolver(other)) return one === other;
  if (!Array.isArray(one) || !Array.isArray(other)) return isDeepStrictEqual(one, other);
  return one.length === other.length && one.every((item, index) => isSameTarget(item, other[index]));
}

/** Whether `value` has what makes a resolver. */
export function isResolver(value: unknown): value is Resolver {
  return typeof value === 'object' && value !== null && 'watch' in value && typeof value.watch === 'function';
}

/** The scheme of a target that was checked. */
export function schemeOf(target: string, schemes: Schemes): Scheme {
  return schemes[nameOf(target)!]!;
}

function isLink(item: unknown): boolean {
  return typeof item === 'string' || isResolver(item);
}

function mixed(item: unknown, index: number): string {
  return `target[${index}] is ${shown(item)} among target strings; write static://host:port, or endpoints alone`;
}

function nameOf(target: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(target)?.[1]?.toLowerCase();
}

function stringProblem(target: string, schemes: Schemes): string | undefined {
  const name = nameOf(target);
  if (name === undefined) return `the target ${shown(target)} has no scheme; write ${remedy(target)}`;
  if (!Object.hasOwn(schemes, name)) {
    const known = Object.keys(schemes).map((scheme) => `${scheme}://`);
    const meant = nearest(`${name}://`, known);
    return `the target ${shown(target)} has the unknown scheme ${name}://; did you mean ${meant}? Known are ${known.join(', ')}`;
  }
  const problem = schemes[name]!.check(target);
  return problem === undefined ? undefined : `the target ${shown(target)} ${problem}`;
}

function remedy(target: string): string {
  if (/^[^/\s]+:\d+$/.test(target))
    return `static://${target} for that address alone, dns://${target} to follow the name`;
  return 'one such as dns://orders.internal:8080';
}

function joined(problems: readonly string[]): string | undefined {
  return problems.length === 0 ? undefined : problems.join('; ');
}

/** A value in a message: in quotes, control characters escaped, cut where it is long. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
