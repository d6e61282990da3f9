/**
 * What a service may be called: an allow-list, for the name is the host of URLs and nothing else may be smuggled in.
 * No underscore: not every URL parser takes one in a host. A name whose last part is a number must be a whole IPv4
 * address, since URL parsers read `10.1` as one.
 */
export function isServiceName(name: string): boolean {
  if (name.length > 253 || !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name) || name.includes('..')) return false;
  if (name === 'constructor' || name === 'prototype') return false;
  return URL.parse(`http://${name}/`)?.hostname === name;
}

/** The rule in words. */
export const SERVICE_NAME_RULE =
  'a service name: a-z, 0-9, "." and "-", beginning and ending with a letter or digit, at most 253 characters';
