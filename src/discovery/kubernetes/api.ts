import { Fault } from '../../resolver/index.ts';
import { ControlPlane, type ControlPlaneAnswer } from '../../transport/control-plane.ts';
import type { Access, AccessSource } from './access.ts';
import { type Asked, reachFault, statusFault } from './fault.ts';

/** What an error may say, bytes. */
const LONGEST_ERROR = 65_536;

/**
 * One API server as one account sees it. Before every request it asks anew for token and authorities; where TLS
 * material has changed, connections made from then on use the new one.
 */
export class Api {
  /** Whether the server is worth asking to begin a watch with all that is there; known after the first try. */
  streamsLists = true;
  readonly #source: AccessSource;
  #plane: ControlPlane | undefined;
  #planeOf = '';
  #token: string | undefined;

  constructor(source: AccessSource) {
    this.#source = source;
  }

  /** Whom it asks, for messages. */
  get name(): string {
    return this.#source.name;
  }

  /** The namespace of targets that name none. */
  async namespace(): Promise<string> {
    return (await this.#source.read()).namespace;
  }

  /**
   * Asks for EndpointSlices; the answer's head is 200.
   * @throws Fault, an `ApiFault` where the server answered.
   */
  async slices(
    { namespace, verb }: Pick<Asked, 'namespace' | 'verb'>,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<ControlPlaneAnswer> {
    const access = await this.#source.read();
    const { server, token, headers } = access;
    const base = new URL(server);
    const prefix = base.pathname.replace(/\/$/, '');
    const path = `${prefix}/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?${new URLSearchParams(query).toString()}`;
    this.#token = token;
    let answer: ControlPlaneAnswer;
    try {
      answer = await this.#planeFor(base.origin, access).get(
        path,
        {
          accept: 'application/json',
          'user-agent': 'inmesh',
          ...headers,
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        signal,
      );
    } catch (error) {
      throw reachFault(signal.aborted ? signal.reason : error, base.origin);
    }
    if (answer.statusCode === 200) return answer;
    if (answer.statusCode === 401) this.#source.refused();
    const said = await messageOf(answer, signal);
    const asked = { namespace, verb, server: base.origin };
    throw statusFault(answer.statusCode, said, asked, this.#retryAfter(answer));
  }

  /** Whether there is another token than the one that was used last: worth a try after that was refused. */
  async hasNewToken(): Promise<boolean> {
    try {
      return (await this.#source.read()).token !== this.#token;
    } catch {
      return false;
    }
  }

  close(): void {
    this.#plane?.close();
    this.#plane = undefined;
  }

  #planeFor(origin: string, { tls }: Access): ControlPlane {
    const of = JSON.stringify([origin, tls]);
    if (this.#plane !== undefined && this.#planeOf === of) return this.#plane;
    this.#plane?.close();
    this.#planeOf = of;
    try {
      return (this.#plane = new ControlPlane(origin, tls));
    } catch (error) {
      throw new Fault('INVALID', `the TLS material for ${origin} cannot be used: ${(error as Error).message}`, error);
    }
  }

  /** ms; the API server says whole seconds. */
  #retryAfter({ headers }: ControlPlaneAnswer): number {
    const seconds = Number(headers['retry-after']);
    return seconds > 0 ? Math.min(seconds, 300) * 1_000 : 0;
  }
}

/** The `message` of the Status that an error comes with. */
async function messageOf(answer: ControlPlaneAnswer, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of answer.body) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > LONGEST_ERROR || signal.aborted) break;
    }
    const { message } = JSON.parse(Buffer.concat(chunks).toString()) as { message?: unknown };
    return typeof message === 'string' ? message : '';
  } catch {
    return '';
  } finally {
    answer.discard();
  }
}
