import type { Clock } from '../../core/clock.ts';
import type { Env } from '../../core/env.ts';
import type { Resolver } from '../../model/snapshot.ts';
import { DnsClient } from './client.ts';
import { dnsResolver } from './dns.ts';
import type { DnsContext } from './host.ts';
import { srvResolver } from './srv.ts';
import { systemOf } from './system.ts';
import { parseDnsTarget } from './target.ts';

/** One client per clock, and so one per process outside of tests: that is what makes queries be shared. */
const shared = new WeakMap<Clock, Omit<DnsContext, 'env'>>();

/** A resolver of a checked `dns://` or `srv://` target. */
export function makeResolver(text: string, env: Env): Resolver {
  const target = parseDnsTarget(text);
  if (typeof target === 'string') throw new TypeError(`${text} ${target}`);
  const { clock } = env;
  let parts = shared.get(clock);
  if (parts === undefined) shared.set(clock, (parts = { client: new DnsClient(clock), system: systemOf(clock) }));
  const context: DnsContext = { env, ...parts };
  return /^srv:/i.test(text) ? srvResolver(text, target, context) : dnsResolver(text, target, context);
}
