import { randomInt } from 'node:crypto';
import { decode, encode, RECURSION_DESIRED } from 'dns-packet';
import { Fault } from '../fault.ts';
import { canonical } from './target.ts';

/** The types of record that discovery asks for. */
export type RecordType = 'A' | 'AAAA' | 'SRV';

export interface Question {
  /** Lower case, without a dot at its end. */
  readonly name: string;
  readonly type: RecordType;
}

/** A record as far as discovery reads it; `ttl` in seconds as sent. */
export type DnsRecord =
  | { readonly name: string; readonly ttl: number; readonly type: 'A' | 'AAAA' | 'CNAME'; readonly data: string }
  | { readonly name: string; readonly ttl: number; readonly type: 'SRV'; readonly data: ServiceRecord };

export interface ServiceRecord {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  /** Lower case, without a dot at its end; empty: the service is not available here. */
  readonly target: string;
}

export interface Response {
  /** `NOERROR`, `NXDOMAIN`, `SERVFAIL`, … */
  readonly rcode: string;
  readonly truncated: boolean;
  readonly answers: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

export interface Query {
  readonly question: Question;
  readonly id: number;
  readonly bytes: Buffer;
}

/** The answer that fits one unfragmented datagram on nearly every path (DNS flag day 2020). */
const DATAGRAM = 1_232;

/** A query with an id that nobody can guess. `extended`: with EDNS, which allows answers over 512 bytes in a datagram. */
export function makeQuery(question: Question, extended: boolean): Query {
  const id = randomInt(65_536);
  const bytes = encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED,
    questions: [{ name: question.name, type: question.type, class: 'IN' }],
    additionals: extended
      ? [
          {
            type: 'OPT',
            name: '.',
            udpPayloadSize: DATAGRAM,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ]
      : [],
  });
  return { question, id, bytes };
}

/**
 * Reads what came from the server asked.
 * @returns undefined where it is no answer to this query: a late one, or a forged one.
 * @throws Fault `MALFORMED` where it is one and cannot be read.
 */
export function readResponse(bytes: Buffer, query: Query): Response | undefined {
  if (bytes.length < 2 || bytes.readUInt16BE(0) !== query.id) return undefined;
  let packet: ReturnType<typeof decode> & { rcode?: string };
  try {
    packet = decode(bytes);
  } catch (error) {
    throw new Fault('MALFORMED', `sends an answer that cannot be read (${(error as Error).message})`, error);
  }
  if (!packet.flag_qr) return undefined;
  const rcode = packet.rcode ?? 'NOERROR';
  const asked = packet.questions?.[0];
  // Servers that could not read the question may leave it out of the error.
  if (asked === undefined && rcode !== 'NOERROR') return { rcode, truncated: false, answers: [], additionals: [] };
  if (asked === undefined || canonical(asked.name) !== query.question.name || asked.type !== query.question.type) {
    return undefined;
  }
  return {
    rcode,
    truncated: packet.flag_tc,
    answers: recordsOf(packet.answers),
    additionals: recordsOf(packet.additionals),
  };
}

function recordsOf(answers: ReturnType<typeof decode>['answers']): DnsRecord[] {
  const records: DnsRecord[] = [];
  for (const record of answers ?? []) {
    if (record.type !== 'A' && record.type !== 'AAAA' && record.type !== 'CNAME' && record.type !== 'SRV') continue;
    if (record.class !== undefined && record.class !== 'IN') continue;
    const name = canonical(record.name);
    const ttl = record.ttl ?? 0;
    if (record.type === 'SRV') {
      const { priority = 0, weight = 0, port, target } = record.data;
      records.push({ name, ttl, type: 'SRV', data: { priority, weight, port, target: canonical(target) } });
    } else {
      const data = record.type === 'CNAME' ? canonical(record.data) : record.data;
      records.push({ name, ttl, type: record.type, data });
    }
  }
  return records;
}
