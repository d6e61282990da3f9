import type { Resolver } from '../../model/snapshot.ts';
import { Fault, faultOf } from '../fault.ts';
import { resolverOf } from '../feed.ts';
import { type Answer, poll } from '../poll.ts';
import { clampTtl, type Lookup } from './client.ts';
import { type Addresses, type DnsContext, Host, nextAsk } from './host.ts';
import type { ServiceRecord } from './message.ts';
import { joinFaults, SearchedName } from './search.ts';
import { serviceEndpoints } from './service-endpoints.ts';
import type { DnsTarget } from './target.ts';

/** Watches the SRV records of a name: each address of each target is an endpoint. */
export function srvResolver(text: string, target: DnsTarget, context: DnsContext): Resolver {
  return resolverOf(text, context.env, (feed) => {
    const service = new Service(target, context);
    return poll(feed, context.env, (force) => service.ask(force));
  });
}

class Service {
  readonly #target: DnsTarget;
  readonly #context: DnsContext;
  readonly #searched: SearchedName;
  /** The hosts that the records name; each keeps its last known addresses. */
  #hosts: Map<string, Host> = new Map();

  constructor(target: DnsTarget, context: DnsContext) {
    this.#target = target;
    this.#context = context;
    this.#searched = new SearchedName(target.name, target.servers, context.system);
  }

  async ask(force: boolean): Promise<Answer> {
    const { client } = this.#context;
    let lookup: Lookup;
    try {
      lookup = await this.#searched.find((name, servers) => client.lookup(name, 'SRV', servers, force));
    } catch (error) {
      const fault = faultOf(error);
      if (fault.kind === 'NODATA') return { none: fault };
      throw fault;
    }
    const records = lookup.records.filter((record) => record.type === 'SRV').map(({ data }) => data);
    const available = records.filter(({ target, port }) => target !== '' && port !== 0);
    if (available.length > 0) return this.#resolve(available, lookup, force);
    const message = `the SRV record of ${this.#target.name} has the target ".": the service is not available`;
    return { none: new Fault('UNAVAILABLE', message), certain: true };
  }

  /** Looks up what the records name. A target that fails keeps its last known addresses; with none it is left out. */
  async #resolve(records: readonly ServiceRecord[], lookup: Lookup, force: boolean): Promise<Answer> {
    const hosts = new Map<string, Host>();
    // A target is a whole name: the dot keeps it from being searched for.
    const hostOf = (target: string): Host => new Host(`${target}.`, this.#target, this.#context);
    for (const { target } of records) {
      if (!hosts.has(target)) hosts.set(target, this.#hosts.get(target) ?? hostOf(target));
    }
    this.#hosts = hosts;
    const found = new Map<string, Addresses>();
    const faults: Fault[] = [];
    let next = nextAsk(lookup, this.#context.env);
    const added = additionalsOf(lookup);
    const resolve = async (target: string, host: Host): Promise<void> => {
      const along = added.get(target);
      try {
        const answer = (along === undefined ? undefined : host.take(along)) ?? (await host.ask(force));
        found.set(target, answer);
        next = Math.min(next, answer.next);
        if (answer.fault !== undefined) faults.push(answer.fault);
      } catch (error) {
        found.set(target, host.known);
        faults.push(faultOf(error));
      }
    };
    await Promise.all([...hosts].map(([target, host]) => resolve(target, host)));
    const endpoints = serviceEndpoints(records, found);
    if (endpoints.length > 0) return { endpoints, next, fault: faults.length === 0 ? undefined : joinFaults(faults) };
    throw joinFaults(faults);
  }
}

/** The addresses that the server added to its answer, by name. They hold for their own TTL, not for that of the SRV record. */
function additionalsOf({ additionals, asked }: Lookup): Map<string, Lookup> {
  const records = additionals.filter(({ type }) => type === 'A' || type === 'AAAA');
  const byName = Map.groupBy(records, ({ name }) => name);
  return new Map(
    [...byName].map(([name, own]) => {
      const ttl = clampTtl(own.reduce((least, record) => Math.min(least, record.ttl), Infinity));
      return [name, { records: own, additionals: [], asked, ttl }];
    }),
  );
}
