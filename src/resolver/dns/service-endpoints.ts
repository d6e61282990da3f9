import type { EndpointInfo } from '../../model/endpoint.ts';
import type { Addresses } from './host.ts';
import type { ServiceRecord } from './message.ts';
import { joinAddress } from './target.ts';

/**
 * The endpoints of SRV records (RFC 2782). Priorities become ranks from 0; where a target has both families, the one in
 * reserve comes a rank later. A target's weight is shared by its addresses.
 *
 * Records of weight 0 are to have "a very small chance of being selected", where an endpoint of weight 0 has none: they
 * share 1 % of their priority's weight, and 1 at most.
 */
export function serviceEndpoints(
  records: readonly ServiceRecord[],
  hosts: ReadonlyMap<string, Addresses>,
): readonly EndpointInfo[] {
  const placed: { level: number; address: string; weight: number }[] = [];
  for (const peers of Map.groupBy(records, ({ priority }) => priority).values()) {
    const total = peers.reduce((sum, { weight }) => sum + weight, 0);
    const unweighted = peers.filter(({ weight }) => weight === 0).length;
    const least = total === 0 ? 1 : Math.min(1, total / 100) / unweighted;
    for (const { target, port, priority, weight } of peers) {
      const { first, reserve } = hosts.get(target)!;
      const place = (addresses: readonly string[], level: number): void => {
        const share = (weight === 0 ? least : weight) / addresses.length;
        for (const address of addresses) placed.push({ level, address: joinAddress(address, port), weight: share });
      };
      place(first, priority * 2);
      place(reserve, priority * 2 + 1);
    }
  }
  const levels = [...new Set(placed.map(({ level }) => level))].toSorted((a, b) => a - b);
  const ranks = new Map(levels.map((level, rank) => [level, rank]));
  return placed.map(({ level, address, weight }) => ({ address, weight, priority: ranks.get(level)! }));
}
