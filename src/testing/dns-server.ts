import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server as TcpServer, type Socket } from 'node:net';
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, RECURSION_AVAILABLE, TRUNCATED_RESPONSE } from 'dns-packet';
import { systemClock } from '../core/clock.ts';

/** The types of record that the server holds. */
export type DnsType = 'A' | 'AAAA' | 'CNAME' | 'SRV';

/** The data of an SRV record; priority and weight are 0 unless given, target `.` says that the service is not available. */
export interface SrvData {
  readonly priority?: number;
  readonly weight?: number;
  readonly port: number;
  readonly target: string;
}

/** The records of one name. */
export interface DnsRecords {
  readonly A?: readonly string[];
  readonly AAAA?: readonly string[];
  readonly CNAME?: readonly string[];
  readonly SRV?: readonly SrvData[];
  /** Seconds. @defaultValue 5 */
  readonly ttl?: number;
}

/**
 * What the server does instead of answering well. `drop`: says nothing. `truncate`: cuts every answer over UDP short, so
 * that TCP must be used. `malformed`: bytes that are no message. `wrong-id`, `wrong-name`: an answer to another question.
 * `empty`: no error and no record. `{ delay }`: answers well after so many milliseconds.
 */
export type DnsFault =
  | 'nxdomain'
  | 'servfail'
  | 'refused'
  | 'empty'
  | 'drop'
  | 'truncate'
  | 'malformed'
  | 'wrong-id'
  | 'wrong-name'
  | { readonly delay: number };

/** Where a DNS server of a test listens, and what it knows. */
export interface DnsServerOptions {
  readonly zone?: Readonly<Record<string, DnsRecords>>;
  /** The port to listen on, over UDP and TCP. @defaultValue 0: any that is free */
  readonly port?: number;
  /** Whether answers follow CNAMEs and bring the addresses of SRV targets along, as recursive servers do. @defaultValue true */
  readonly generous?: boolean;
}

/** A question that arrived. */
export interface DnsQuery {
  readonly name: string;
  readonly type: string;
  readonly transport: 'udp' | 'tcp';
  /** When, on the monotonic clock of the process, ms. */
  readonly at: number;
}

const NXDOMAIN = 3;
const RCODES: Readonly<Record<string, number>> = { nxdomain: NXDOMAIN, servfail: 2, refused: 5 };

/** A DNS server on the loopback, for tests and demonstrations: its records can be changed, and its faults are by order. */
export class DnsServer {
  /** `127.0.0.1:port`, the same for UDP and TCP: what `?server=` takes. */
  readonly address: string;
  /** Every question that arrived, in order. */
  readonly queries: DnsQuery[] = [];
  readonly #udp: UdpSocket;
  readonly #tcp: TcpServer;
  readonly #connections: Set<Socket> = new Set();
  readonly #records: Map<string, Answer[]> = new Map();
  readonly #faults: Map<string, DnsFault> = new Map();
  readonly #generous: boolean;
  #closed = false;

  private constructor(udp: UdpSocket, tcp: TcpServer, options: DnsServerOptions) {
    this.#udp = udp;
    this.#tcp = tcp;
    this.#generous = options.generous ?? true;
    this.address = `127.0.0.1:${udp.address().port}`;
    for (const [name, { ttl, ...records }] of Object.entries(options.zone ?? {})) {
      for (const [type, data] of Object.entries(records)) this.set(name, type as DnsType, data, ttl);
    }
    udp.on('message', (bytes, from) => this.#onDatagram(bytes, from));
    tcp.on('connection', (socket) => this.#onConnection(socket));
  }

  /** Starts one. Rejects where the port is taken. */
  static async start(options: DnsServerOptions = {}): Promise<DnsServer> {
    for (let attempt = 0; ; attempt++) {
      const udp = createSocket('udp4');
      const tcp = createServer();
      try {
        udp.bind(options.port ?? 0, '127.0.0.1');
        await once(udp, 'listening');
        tcp.listen(udp.address().port, '127.0.0.1');
        await once(tcp, 'listening');
        return new DnsServer(udp, tcp, options);
      } catch (error) {
        udp.close();
        // A port that is free for UDP may be taken for TCP: another is drawn, unless one was asked for.
        if (options.port !== undefined || attempt === 20) throw error;
      }
    }
  }

  /** Puts records in the place of those that the name had of this type. `ttl` in seconds. */
  set(name: string, type: DnsType, data: readonly (string | SrvData)[], ttl = 5): void {
    const records = data.map((value) => ({ name: canonical(name), type, ttl, class: 'IN', data: value }) as Answer);
    this.#records.set(keyOf(name, type), records);
  }

  /** Takes a name's records out: those of one type, or all. */
  delete(name: string, type?: DnsType): void {
    for (const each of type === undefined ? TYPES : [type]) this.#records.delete(keyOf(name, each));
  }

  /** From now on misbehaves when asked for `name`, or with `'*'` for any; undefined: answers well again. `type`: for it alone. */
  fault(name: string, fault: DnsFault | undefined, type?: DnsType): void {
    const key = keyOf(name, type ?? '*');
    if (fault === undefined) this.#faults.delete(key);
    else this.#faults.set(key, fault);
  }

  /** How many questions arrived: for any name and type, or those given. */
  count(name?: string, type?: DnsType): number {
    return this.queries.filter((query) => {
      return (name === undefined || query.name === canonical(name)) && (type === undefined || query.type === type);
    }).length;
  }

  /** Stops listening and cuts what is open. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const socket of this.#connections) socket.destroy();
    const closed = [once(this.#udp, 'close'), once(this.#tcp, 'close')];
    this.#udp.close();
    this.#tcp.close();
    await Promise.all(closed);
  }

  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #onDatagram(bytes: Buffer, from: RemoteInfo): void {
    this.#answer(bytes, 'udp', (reply) => {
      if (!this.#closed) this.#udp.send(reply, from.port, from.address);
    });
  }

  #onConnection(socket: Socket): void {
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('error', () => {});
    let received: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        this.#answer(received.subarray(2, end), 'tcp', (reply) => {
          const length = Buffer.alloc(2);
          length.writeUInt16BE(reply.length);
          if (!socket.destroyed) socket.write(Buffer.concat([length, reply]));
        });
        received = received.subarray(end);
      }
    });
  }

  #answer(bytes: Buffer, transport: 'udp' | 'tcp', send: (reply: Buffer) => void): void {
    const query = read(bytes);
    const question = query?.questions?.[0];
    if (query?.id === undefined || question === undefined) return;
    const name = canonical(question.name);
    this.queries.push({ name, type: question.type, transport, at: systemClock.now() });
    const fault = this.#faultOf(name, question.type);
    if (fault === 'drop') return;
    const named = TYPES.some((type) => this.#records.has(keyOf(name, type)));
    const well = named || fault === 'empty' ? 0 : NXDOMAIN;
    const rcode = typeof fault === 'string' ? (RCODES[fault] ?? well) : well;
    const answers = rcode === 0 && fault !== 'empty' ? this.#find(name, question.type) : [];
    const extended = query.additionals?.find((record) => record.type === 'OPT');
    const message = {
      type: 'response' as const,
      id: fault === 'wrong-id' ? query.id ^ 1 : query.id,
      flags: AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE | rcode,
      questions: fault === 'wrong-name' ? [{ ...question, name: `not-${name}` }] : [question],
      answers,
      additionals: this.#generous ? this.#along(answers) : [],
    };
    let reply = encode(message);
    const room = transport === 'tcp' ? 65_535 : (extended?.udpPayloadSize ?? 512);
    if (reply.length > room) reply = encode({ ...message, additionals: [] });
    if (reply.length > room || (fault === 'truncate' && transport === 'udp')) {
      reply = encode({ ...message, flags: message.flags | TRUNCATED_RESPONSE, answers: [], additionals: [] });
    }
    if (fault === 'malformed') reply = Buffer.concat([reply.subarray(0, 12), Buffer.from([0xff, 0xff, 0xff])]);
    if (typeof fault === 'object') systemClock.schedule(fault.delay, () => send(reply));
    else send(reply);
  }

  #faultOf(name: string, type: string): DnsFault | undefined {
    const keys = [keyOf(name, type), keyOf(name, '*'), keyOf('*', type), keyOf('*', '*')];
    return keys.map((key) => this.#faults.get(key)).find((fault) => fault !== undefined);
  }

  /** The records of the name, behind its aliases where the server is generous. */
  #find(name: string, type: string): Answer[] {
    const found: Answer[] = [];
    for (let at = canonical(name), steps = 0; steps < 12; steps++) {
      const records = this.#records.get(keyOf(at, type)) ?? [];
      const alias = this.#records.get(keyOf(at, 'CNAME'))?.[0];
      if (records.length > 0 || alias?.type !== 'CNAME') return [...found, ...records];
      found.push(alias);
      if (!this.#generous) break;
      at = canonical(alias.data);
    }
    return found;
  }

  /** The addresses of the SRV records' targets. */
  #along(answers: readonly Answer[]): Answer[] {
    const targets = new Set(
      answers.filter((record) => record.type === 'SRV').map(({ data }) => canonical(data.target)),
    );
    return [...targets].flatMap((target) => [...this.#find(target, 'A'), ...this.#find(target, 'AAAA')]);
  }
}

const TYPES: readonly DnsType[] = ['A', 'AAAA', 'CNAME', 'SRV'];

function read(bytes: Buffer): ReturnType<typeof decode> | undefined {
  try {
    return decode(bytes);
  } catch {
    return undefined;
  }
}

function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function keyOf(name: string, type: string): string {
  return `${type} ${canonical(name)}`;
}
