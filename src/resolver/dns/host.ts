import { isIP } from 'node:net';
import type { Env } from '../../core/env.ts';
import { Fault, faultOf } from '../fault.ts';
import { type DnsClient, type Lookup, REFRESH_FROM } from './client.ts';
import { isNegative, joinFaults, SearchedName } from './search.ts';
import type { System } from './system.ts';
import { canonical, type DnsTarget, type Server } from './target.ts';

/** What the resolvers of DNS share. */
export interface DnsContext {
  readonly env: Env;
  readonly client: DnsClient;
  readonly system: System;
}

/** The addresses of a host, in the order of use. */
export interface Addresses {
  readonly first: readonly string[];
  /** Of the other family: for when none of the first can be reached. */
  readonly reserve: readonly string[];
}

export interface HostAnswer extends Addresses {
  /** When to ask again, ms from now. */
  readonly next: number;
  /** One family could not be asked for, and its last known addresses stand in. */
  readonly fault?: Fault | undefined;
}

/** Addresses from a literal or a file hold this long; ms. */
const LOCAL_TTL = 30_000;
/** How long addresses of one family wait for the answer of the other; ms. */
const PATIENCE = 250;
/** When to look for an answer that came too late; ms. */
const LATE = 10_000;

type Family = 'A' | 'AAAA';

/** The addresses of one name over time. A family that cannot be asked for keeps those it had. */
export class Host {
  readonly #name: string;
  readonly #options: Pick<DnsTarget, 'servers' | 'family'>;
  readonly #context: DnsContext;
  readonly #searched: SearchedName;
  readonly #known: Record<Family, readonly string[]> = { A: [], AAAA: [] };

  constructor(name: string, options: Pick<DnsTarget, 'servers' | 'family'>, context: DnsContext) {
    this.#name = canonical(name);
    this.#options = options;
    this.#context = context;
    this.#searched = new SearchedName(name, options.servers, context.system);
  }

  /** The last known addresses. IPv4 first: broken IPv6 is common, broken IPv4 is not. IPv6 first on a host without IPv4. */
  get known(): Addresses {
    const { A, AAAA } = this.#known;
    const { v4, v6 } = this.#context.system.families();
    const [first, reserve] = v6 && !v4 ? [AAAA, A] : [A, AAAA];
    return first.length > 0 ? { first, reserve } : { first: reserve, reserve: [] };
  }

  /** Asks anew. Rejects with a `Fault` where the name has no address or cannot be asked for. */
  async ask(force: boolean): Promise<HostAnswer> {
    const local = await this.#local();
    if (local.length > 0) return this.#settle(local, LOCAL_TTL);
    return this.#searched.find((name, servers) => this.#families(name, servers, force));
  }

  /** Takes addresses that came along with another answer; undefined where there are none that are wanted and in time. */
  take(lookup: Lookup): HostAnswer | undefined {
    const { env } = this.#context;
    const wanted = this.#wanted();
    const records = lookup.records.filter(({ type }) => wanted.some((family) => family === type));
    const inTime = env.clock.now() < lookup.asked + lookup.ttl * REFRESH_FROM;
    return records.length > 0 && inTime ? this.#settle(addressesOf(records), nextAsk(lookup, env)) : undefined;
  }

  /** Literals, the hosts file, localhost. Servers of one's own are asked instead of the file, but never for localhost. */
  async #local(): Promise<readonly string[]> {
    const name = this.#name;
    if (isIP(name) !== 0) return [name];
    const { servers, family } = this.#options;
    const listed = servers === undefined || name === 'localhost' ? await this.#context.system.hosts(name) : [];
    const fitting = family === undefined ? listed : listed.filter((address) => isIP(address) === family);
    if (fitting.length > 0 || name !== 'localhost') return fitting;
    return [family === 6 ? '::1' : '127.0.0.1'];
  }

  /** Both families of one name, asked at once. */
  async #families(name: string, servers: readonly Server[], force: boolean): Promise<HostAnswer> {
    const { client, env } = this.#context;
    const wanted = this.#wanted();
    const asked = wanted.map((type) => client.lookup(name, type, servers, force).catch(faultOf));
    const results = await inTime(asked, env);
    const addresses: string[] = [];
    let next = Infinity;
    let fault: Fault | undefined;
    for (const [index, type] of wanted.entries()) {
      const result = results[index];
      if (result === undefined) next = Math.min(next, LATE);
      if (result !== undefined && !(result instanceof Fault)) {
        addresses.push(...addressesOf(result.records));
        next = Math.min(next, nextAsk(result, env));
      } else if (result === undefined || !isNegative(result)) {
        // Late or in vain: the other family carries on, beside what is known of this one.
        addresses.push(...this.#known[type]);
        if (this.#known[type].length > 0) fault = result;
      }
    }
    if (next === Infinity) throw ofBothFamilies(results.filter((result) => result instanceof Fault));
    return this.#settle(addresses, next, fault);
  }

  /** AAAA is asked for where this host can reach IPv6, or where the target says so. */
  #wanted(): Family[] {
    const { family } = this.#options;
    if (family !== undefined) return [family === 4 ? 'A' : 'AAAA'];
    return this.#context.system.families().v6 ? ['A', 'AAAA'] : ['A'];
  }

  #settle(addresses: readonly string[], next: number, fault?: Fault): HostAnswer {
    this.#known.A = addresses.filter((address) => isIP(address) === 4);
    this.#known.AAAA = addresses.filter((address) => isIP(address) === 6);
    return { ...this.known, next, fault };
  }
}

/** One fault of one or two families; where both were answered alike, told once. */
function ofBothFamilies(faults: readonly Fault[]): Fault {
  const [a, aaaa] = faults;
  if (a === undefined || a.message.replaceAll('(A)', '(AAAA)') !== aaaa?.message) return joinFaults(faults);
  return new Fault(a.kind, a.message.replaceAll('(A)', '(A, AAAA)'), a.cause);
}

function addressesOf(records: Lookup['records']): string[] {
  return records.filter(({ type }) => type === 'A' || type === 'AAAA').map(({ data }) => data as string);
}

/** When to ask again for what `lookup` found: at 80 to 100 % of its TTL, at random, so that clients spread out. */
export function nextAsk({ asked, ttl }: Pick<Lookup, 'asked' | 'ttl'>, { clock, random }: Env): number {
  const share = REFRESH_FROM + (1 - REFRESH_FROM) * random();
  return Math.max(0, asked + ttl * share - clock.now());
}

/** The results, undefined for one that was late: once one family has addresses, the other has 250 ms left. */
function inTime(asked: readonly Promise<Lookup | Fault>[], env: Env): Promise<(Lookup | Fault | undefined)[]> {
  const results = new Array<Lookup | Fault | undefined>(asked.length).fill(undefined);
  return new Promise((resolve) => {
    let open = asked.length;
    let patience: { cancel(): void } | undefined;
    const end = (): void => {
      patience?.cancel();
      resolve([...results]);
    };
    for (const [index, promise] of asked.entries()) {
      void promise.then((result) => {
        results[index] = result;
        if (--open === 0) end();
        else if (!(result instanceof Fault)) patience ??= env.clock.schedule(PATIENCE, end);
      });
    }
  });
}
