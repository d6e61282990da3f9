/**
 * Discovery: where the endpoints of a service are, and how that changes.
 *
 * The problem. Names move. A client that asks once is wrong after the next deploy; one that asks at each call drowns the
 * name server; one that believes every answer loses all its endpoints at the first hiccup of a zone transfer. And what
 * Node offers falls short: `dns.lookup` hides the TTL and blocks a thread of four, `dns.resolveSrv` hides it as well.
 *
 * The choice. A source is watched, never asked at a call: it tells of full snapshots, and calls use the last one. All
 * sources report to one `Feed`, which holds the rules that matter: an error never takes away what was good (it becomes
 * `stale`), an empty answer is doubted for 30 s, nothing is told twice. Sources that must be asked go through one
 * `poll`: at 80 to 100 % of a TTL clamped to 1 s to 5 min, or with a back-off of 1 s to 30 s, always with jitter. DNS is
 * asked by a small client of our own, so that SRV records bring their TTL and their additional addresses.
 *
 * The trade-off. Endpoints that are gone may be tried for up to a TTL, or for ever while discovery is down: balancing
 * and retries deal with that, whereas nothing can deal with having no endpoint. For two families, IPv4 is used first and
 * IPv6 held in reserve, which gives up RFC 6724's order for never meeting a broken tunnel.
 *
 * Sources: RFC 1034 and 1035, 2308 (negative answers), 2782 (SRV), 6891 (EDNS), 8767 (serving stale data), hosts(5),
 * resolv.conf(5). Armeria's DNS endpoint groups (refresh ahead, clamps), bufbuild/httplb (keep on error and on empty),
 * gRPC's A57 (errors never erase).
 */
export { createResolver } from './create.ts';
export { Fault, faultOf } from './fault.ts';
export { Feed, resolverOf, type Source } from './feed.ts';
export { type Answer, poll } from './poll.ts';
export { type Scheme, type Schemes, standardSchemes } from './schemes.ts';
export { checkTarget, isSameTarget, type Target } from './target.ts';
