import { createEnv, type Env } from '../../src/core/env.ts';
import { seededRandom } from '../../src/core/random.ts';
import { silentLogger } from '../../src/core/log.ts';
import type { Resolver, Snapshot } from '../../src/model/snapshot.ts';
import { DnsClient } from '../../src/resolver/dns/client.ts';
import { dnsResolver } from '../../src/resolver/dns/dns.ts';
import type { DnsContext } from '../../src/resolver/dns/host.ts';
import type { DnsRecord, RecordType, Response, ServiceRecord } from '../../src/resolver/dns/message.ts';
import { srvResolver } from '../../src/resolver/dns/srv.ts';
import type { System } from '../../src/resolver/dns/system.ts';
import { parseDnsTarget, type Server } from '../../src/resolver/dns/target.ts';
import { Fault } from '../../src/resolver/index.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

export interface Watching {
  readonly seen: Snapshot[];
  readonly last: Snapshot | undefined;
  stop(): void;
  /** The addresses of the last snapshot, in order. */
  readonly addresses: string[];
}

export function watching(resolver: Resolver): Watching {
  const seen: Snapshot[] = [];
  const stop = resolver.watch((snapshot) => seen.push(snapshot));
  return {
    seen,
    stop,
    get last() {
      return seen.at(-1);
    },
    get addresses() {
      return (seen.at(-1)?.endpoints ?? []).map(({ address }) => address);
    },
  };
}

/** The kind of fault behind a snapshot's error. */
export function kindOf(snapshot: Snapshot | undefined): string | undefined {
  const cause = snapshot?.error?.cause;
  return cause instanceof Fault ? cause.kind : undefined;
}

export function manualEnv(seed = 1): { clock: ManualClock; env: Env } {
  const clock = new ManualClock();
  return { clock, env: createEnv({ clock, random: seededRandom(seed), log: silentLogger }) };
}

type Data = string | ServiceRecord;

/** A name server without sockets: what it answers is set, what it was asked is counted. */
export class FakeDns {
  readonly asked: { name: string; type: RecordType; server: string; at: number }[] = [];
  readonly #answers: Map<string, Partial<Response> | Fault | 'never'> = new Map();
  /** How many questions were under way at once, at most. */
  peak = 0;
  #open = 0;
  #delays: Map<string, number> = new Map();
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  set(name: string, type: RecordType, data: readonly Data[], ttl = 30, additionals: DnsRecord[] = []): void {
    const answers = data.map((value) => ({ name, type, ttl, data: value }) as DnsRecord);
    this.#answers.set(`${type} ${name}`, { answers, additionals });
  }

  alias(name: string, type: RecordType, to: string, ttl = 30): void {
    this.#answers.set(`${type} ${name}`, { answers: [{ name, type: 'CNAME', ttl, data: to }] });
  }

  /** A response code, a fault of transport, or silence until the time is up. */
  fail(name: string, type: RecordType, how: string | Fault): void {
    this.#answers.set(`${type} ${name}`, how === 'never' || how instanceof Fault ? how : { rcode: how });
  }

  /** Answers come so many milliseconds late. */
  delay(name: string, type: RecordType, ms: number): void {
    this.#delays.set(`${type} ${name}`, ms);
  }

  readonly ask = async (
    question: { name: string; type: RecordType },
    server: Server,
    timeout: number,
  ): Promise<Response> => {
    this.peak = Math.max(this.peak, ++this.#open);
    const wait = this.#delays.get(`${question.type} ${question.name}`);
    if (wait !== undefined) await new Promise<void>((resolve) => this.#clock.schedule(wait, resolve));
    return this.#answer(question, server, timeout).finally(() => this.#open--);
  };

  readonly #answer = (
    { name, type }: { name: string; type: RecordType },
    server: Server,
    timeout: number,
  ): Promise<Response> => {
    this.asked.push({ name, type, server: server.host, at: this.#clock.now() });
    const answer = this.#answers.get(`${type} ${name}`) ?? { rcode: 'NXDOMAIN' };
    if (answer === 'never') {
      const late = new Fault('TIMEOUT', 'sends no answer');
      return new Promise((_, reject) => this.#clock.schedule(timeout, () => reject(late)));
    }
    if (answer instanceof Fault) return Promise.reject(answer);
    return Promise.resolve({ rcode: 'NOERROR', truncated: false, answers: [], additionals: [], ...answer });
  };

  count(name: string, type: RecordType): number {
    return this.asked.filter((query) => query.name === name && query.type === type).length;
  }
}

export const quietSystem: System = {
  servers: () => [{ host: '10.0.0.53', port: 53 }],
  search: () => Promise.resolve({ domains: [], ndots: 1 }),
  hosts: () => Promise.resolve([]),
  families: () => ({ v4: true, v6: true }),
};

/** A resolver of `target` over a fake name server and a manual clock. */
export function fakeWorld(given: Partial<System> = {}): {
  clock: ManualClock;
  dns: FakeDns;
  client: DnsClient;
  resolve: (target: string) => Resolver;
} {
  const { clock, env } = manualEnv();
  const dns = new FakeDns(clock);
  const client = new DnsClient(clock, dns.ask);
  const context: DnsContext = { env, client, system: { ...quietSystem, ...given } };
  const resolve = (target: string): Resolver => {
    const parsed = parseDnsTarget(target);
    if (typeof parsed === 'string') throw new Error(parsed);
    return target.startsWith('srv:') ? srvResolver(target, parsed, context) : dnsResolver(target, parsed, context);
  };
  return { clock, dns, client, resolve };
}
