import { LRUCache } from 'lru-cache';
import type { Clock } from '../../core/clock.ts';
import { Fault, faultOf } from '../fault.ts';
import type { DnsRecord, Question, RecordType, Response } from './message.ts';
import { Gate } from './gate.ts';
import { type Ask, socketAsk } from './sockets.ts';
import { joinAddress, type Server } from './target.ts';

/** What one look-up found. */
export interface Lookup {
  /** Of the type asked for, never none: a name without such records is a `NODATA` fault. */
  readonly records: readonly DnsRecord[];
  /** What the server added unasked: addresses of SRV targets, as a rule. */
  readonly additionals: readonly DnsRecord[];
  /** When the question was asked, on the monotonic clock. */
  readonly asked: number;
  /** For how long it holds from then on: the least TTL on the way, clamped; ms. */
  readonly ttl: number;
}

const ATTEMPT = 2_000;
const TOTAL = 5_000;
const HOPS = 8;
const SPACING = 1_000;
/** How many look-ups may be under way at once, each with a socket: SRV records may name a thousand hosts. */
const SOCKETS = 64;
/** From this share of its TTL on, an answer is asked for anew. */
export const REFRESH_FROM = 0.8;

/** A record's TTL in ms, within 1 s and 5 min: 0 would mean a query per call, and days mean never to hear of a change. */
export function clampTtl(seconds: number): number {
  return Math.min(Math.max(seconds, 1), 300) * 1_000;
}

interface Entry {
  readonly promise: Promise<Lookup>;
  readonly asked: number;
  /** Until when it may be used instead of a new question; Infinity while it is under way. */
  until: number;
}

/**
 * A stub resolver. All watches of a process share one, so that a name and type is asked for by one query at a time and
 * at most once a second, however many want it.
 */
export class DnsClient {
  readonly #clock: Clock;
  readonly #ask: Ask;
  readonly #gate: Gate = new Gate(SOCKETS);
  readonly #entries: LRUCache<string, Entry> = new LRUCache({ max: 4_096 });

  constructor(clock: Clock, ask: Ask = socketAsk(clock)) {
    this.#clock = clock;
    this.#ask = ask;
  }

  /**
   * Looks `name` up, following CNAMEs. `force` passes over an answer that is older than a second.
   * Rejects with a `Fault` that names server, name and what happened.
   */
  lookup(name: string, type: RecordType, servers: readonly Server[], force = false): Promise<Lookup> {
    const key = `${type} ${name} ${servers.map(({ host, port }) => joinAddress(host, port)).join()}`;
    const now = this.#clock.now();
    const known = this.#entries.get(key);
    if (known !== undefined && now < (force && known.until !== Infinity ? known.asked + SPACING : known.until)) {
      return known.promise;
    }
    const promise = this.#gate.through(() => this.#follow({ name, type }, servers, now));
    const entry: Entry = { promise, asked: now, until: Infinity };
    this.#entries.set(key, entry);
    const settle = (ttl: number): void => {
      entry.until = now + Math.max(SPACING, ttl * REFRESH_FROM);
    };
    entry.promise.then(
      (found) => settle(found.ttl),
      () => settle(0),
    );
    return entry.promise;
  }

  /** Asks, and asks on where the answer is an alias whose records the server left out. */
  async #follow(question: Question, servers: readonly Server[], asked: number): Promise<Lookup> {
    const { type } = question;
    const seen = new Set([question.name]);
    let name = question.name;
    let ttl = Infinity;
    while (seen.size <= HOPS) {
      const start = name;
      const asking = start === question.name ? `${start} (${type})` : `${start} (${type}, alias of ${question.name})`;
      const { response, server } = await this.#inquire({ name, type }, asking, servers, asked + TOTAL);
      const aliases = new Map<string, DnsRecord>();
      for (const record of response.answers) if (record.type === 'CNAME') aliases.set(record.name, record);
      let alias = aliases.get(name);
      while (alias?.type === 'CNAME' && !seen.has(alias.data) && seen.size <= HOPS) {
        ttl = Math.min(ttl, alias.ttl);
        name = alias.data;
        seen.add(name);
        alias = aliases.get(name);
      }
      if (alias !== undefined) break;
      const records = response.answers.filter((record) => record.type === type && record.name === name);
      if (records.length > 0) {
        const least = records.reduce((least, record) => Math.min(least, record.ttl), ttl);
        return { records, additionals: response.additionals, asked, ttl: clampTtl(least) };
      }
      if (name === start) throw new Fault('NODATA', `${server} answers NODATA for ${asking}`);
    }
    const path = [...seen].join(' → ');
    throw new Fault(
      'CNAME_LOOP',
      `${question.name} (${type}) is an alias without end, or of more than ${HOPS} steps: ${path}`,
    );
  }

  /** Asks the servers in turn until one answers the question: at most three times, 2 s each, until `deadline`. */
  async #inquire(
    question: Question,
    asking: string,
    servers: readonly Server[],
    deadline: number,
  ): Promise<{ response: Response; server: string }> {
    const faults: Fault[] = [];
    const turns = [...servers, ...servers].slice(0, Math.min(3, servers.length + 1));
    for (const [turn, server] of turns.entries()) {
      const left = deadline - this.#clock.now();
      // A second question to the same server mends a lost datagram, nothing else.
      if (left <= 0 || (turn >= servers.length && faults.at(-1)?.kind !== 'TIMEOUT')) break;
      const name = joinAddress(server.host, server.port);
      const answer = await this.#ask(question, server, Math.min(ATTEMPT, left)).catch((error: unknown) =>
        faultOf(error),
      );
      if (answer instanceof Fault) {
        faults.push(new Fault(answer.kind, `${name} ${answer.message} for ${asking}`, answer.cause));
        continue;
      }
      if (answer.rcode === 'NOERROR') return { response: answer, server: name };
      const fault = new Fault(answer.rcode, `${name} answers ${answer.rcode} for ${asking}`);
      if (answer.rcode === 'NXDOMAIN') throw fault;
      faults.push(fault);
    }
    const told = [...new Set(faults.map((fault) => fault.message))].join('; ');
    const kind = faults.at(-1)?.kind ?? (servers.length === 0 ? 'UNREACHABLE' : 'TIMEOUT');
    throw new Fault(
      kind,
      told !== '' ? told : servers.length === 0 ? 'no DNS server is known' : `no time is left for ${asking}`,
    );
  }
}
