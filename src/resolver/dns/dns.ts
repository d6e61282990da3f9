import type { EndpointInfo } from '../../model/endpoint.ts';
import type { Resolver } from '../../model/snapshot.ts';
import { faultOf } from '../fault.ts';
import { resolverOf } from '../feed.ts';
import { type Answer, poll } from '../poll.ts';
import { type DnsContext, Host } from './host.ts';
import { type DnsTarget, joinAddress } from './target.ts';

/** Watches the A and AAAA records of a name: each address with the target's port is an endpoint. */
export function dnsResolver(text: string, target: DnsTarget, context: DnsContext): Resolver {
  return resolverOf(text, context.env, (feed) => {
    const host = new Host(target.name, target, context);
    return poll(feed, context.env, (force) => askHost(host, target.port, force));
  });
}

async function askHost(host: Host, port: number, force: boolean): Promise<Answer> {
  try {
    const { first, reserve, next, fault } = await host.ask(force);
    const endpoints: EndpointInfo[] = first.map((address) => ({ address: joinAddress(address, port) }));
    for (const address of reserve) endpoints.push({ address: joinAddress(address, port), priority: 1 });
    return { endpoints, next, fault };
  } catch (error) {
    const fault = faultOf(error);
    if (fault.kind === 'NODATA') return { none: fault };
    throw fault;
  }
}
