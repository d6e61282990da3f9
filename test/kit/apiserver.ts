import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** An EndpointSlice as the API sends it. */
export interface SliceObject {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly labels: Record<string, string> };
  readonly addressType: string;
  readonly endpoints: readonly object[] | null;
  readonly ports: readonly object[] | null;
}

/** What was asked. */
export interface Asked {
  readonly verb: 'list' | 'watch';
  readonly namespace: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** By whatever clock the server was given. */
  readonly at: number;
}

interface Event {
  readonly revision: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: SliceObject;
}

interface Watcher {
  readonly asked: Asked;
  readonly response: ServerResponse;
}

/** A slice of `service` with endpoints on port 80: addresses, or endpoints as the API writes them. */
export function slice(
  name: string,
  endpoints: readonly (string | object)[],
  given: { service?: string; namespace?: string; ports?: readonly object[] | null; addressType?: string } = {},
): SliceObject {
  const { service = 'orders', namespace = 'shop', ports = [{ name: 'http', port: 80 }], addressType = 'IPv4' } = given;
  return {
    metadata: { name, namespace, labels: { 'kubernetes.io/service-name': service } },
    addressType,
    endpoints: endpoints.map((endpoint) =>
      typeof endpoint === 'string' ? { addresses: [endpoint], conditions: { ready: true } } : endpoint,
    ),
    ports,
  };
}

/**
 * An API server in this process that serves EndpointSlices over real HTTP and goes wrong as told. Versions are texts
 * without order, so that whoever compares them fails.
 */
export class ApiServer {
  readonly asked: Asked[] = [];
  /** Whether a watch may begin with a list. */
  streamsLists = false;
  /** Tokens that are good; undefined: none is needed. */
  tokens: Set<string> | undefined = undefined;
  /** Called before a request is served; true: it was answered here. */
  intercept: ((asked: Asked, response: ServerResponse) => boolean) | undefined = undefined;
  /** How a version that is gone is told of. */
  gone: 'http' | 'stream' = 'http';
  /** Watches are answered and then hear nothing. */
  mute = false;
  readonly watchers: Set<Watcher> = new Set();
  readonly #objects: Map<string, SliceObject & { revision: number }> = new Map();
  #events: Event[] = [];
  #revision = 1_000;
  #compacted = 0;
  readonly #server: Server;
  readonly #now: () => number;

  private constructor(server: Server, now: () => number) {
    this.#server = server;
    this.#now = now;
    server.on('request', (request, response) => this.#serve(request, response));
  }

  static async start({
    tls,
    port = 0,
    now = () => performance.now(),
  }: { tls?: { cert: string; key: string }; port?: number; now?: () => number } = {}): Promise<ApiServer> {
    const api = new ApiServer(tls === undefined ? createServer() : createSecureServer(tls), now);
    await api.listen(port);
    return api;
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((done) => this.#server.close(done));
  }

  count(verb: Asked['verb']): number {
    return this.asked.filter((one) => one.verb === verb).length;
  }

  /** The slices that are there. */
  get objects(): readonly SliceObject[] {
    return [...this.#objects.values()];
  }

  apply(...slices: readonly SliceObject[]): void {
    for (const object of slices) {
      const key = `${object.metadata.namespace}/${object.metadata.name}`;
      this.#record(this.#objects.has(key) ? 'MODIFIED' : 'ADDED', object);
      this.#objects.set(key, { ...object, revision: this.#revision });
    }
  }

  remove(name: string, namespace = 'shop'): void {
    const key = `${namespace}/${name}`;
    const object = this.#objects.get(key)!;
    this.#objects.delete(key);
    this.#record('DELETED', object);
  }

  /** Forgets what happened: watches cannot go on from any version before now. */
  compact(): void {
    this.#compacted = this.#revision;
    this.#events = [];
  }

  bookmark(): void {
    for (const { response } of this.watchers) response.write(line('BOOKMARK', bookmarkOf(this.#revision)));
  }

  /** Writes bytes of any kind to all watches. */
  write(bytes: string | Uint8Array): void {
    for (const { response } of this.watchers) response.write(bytes);
  }

  /** Ends all watches, as the server does when their time is up, or cuts them. */
  drop(how: 'end' | 'cut'): void {
    for (const { response } of this.watchers) {
      if (how === 'end') response.end();
      else response.socket?.destroy();
    }
    this.watchers.clear();
  }

  #record(type: Event['type'], object: SliceObject): void {
    const event: Event = { revision: ++this.#revision, type, object };
    this.#events.push(event);
    if (this.mute) return;
    for (const watcher of this.watchers) send(watcher, event);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, 'http://api');
    const match = /\/apis\/discovery\.k8s\.io\/v1\/namespaces\/([^/]+)\/endpointslices$/.exec(url.pathname);
    if (match === null) return fail(response, 404, 'not found');
    const query = url.searchParams;
    const verb = query.get('watch') === 'true' ? 'watch' : 'list';
    const asked: Asked = { verb, namespace: match[1]!, query, headers: request.headers, at: this.#now() };
    this.asked.push(asked);
    if (this.intercept?.(asked, response) === true) return;
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (this.tokens !== undefined && !this.tokens.has(token ?? '')) return fail(response, 401, 'Unauthorized');
    if (verb === 'list') this.#list(asked, response);
    else this.#watch(asked, response);
  }

  #list({ query, namespace }: Asked, response: ServerResponse): void {
    const all = [...this.#objects.values()].filter((object) => fits(object, namespace, query));
    const [from = 0, revision = this.#revision] = (query.get('continue') ?? '').split('@').filter(Boolean).map(Number);
    const limit = Number(query.get('limit') ?? Infinity);
    const page = all.slice(from, from + limit);
    const more = from + limit < all.length ? { continue: `${from + limit}@${revision}` } : {};
    const body = {
      kind: 'EndpointSliceList',
      apiVersion: 'discovery.k8s.io/v1',
      metadata: { resourceVersion: textOf(revision), ...more },
      items: page.map((object) => versioned(object, object.revision)),
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  #watch(asked: Asked, response: ServerResponse): void {
    const { query, namespace } = asked;
    const watcher = { asked, response };
    const initial = query.get('sendInitialEvents') === 'true';
    if (initial && !this.streamsLists) {
      return fail(response, 422, 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch');
    }
    const from = initial ? this.#revision : revisionOf(query.get('resourceVersion') ?? '');
    const gone = { code: 410, message: 'too old resource version', reason: 'Expired', kind: 'Status' };
    const isGone = from < this.#compacted;
    if (isGone && this.gone === 'http') return fail(response, 410, gone.message);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (isGone) return void response.end(line('ERROR', gone));
    response.on('close', () => this.watchers.delete(watcher));
    this.watchers.add(watcher);
    if (this.mute) return;
    if (initial) {
      for (const object of this.#objects.values()) {
        if (fits(object, namespace, query)) response.write(line('ADDED', versioned(object, object.revision)));
      }
      const annotations = { 'k8s.io/initial-events-end': 'true' };
      response.write(line('BOOKMARK', bookmarkOf(this.#revision, annotations)));
    }
    for (const event of this.#events) if (event.revision > from) send(watcher, event);
  }
}

function send({ asked, response }: Watcher, { type, object, revision }: Event): void {
  if (fits(object, asked.namespace, asked.query)) response.write(line(type, versioned(object, revision)));
}

function line(type: string, object: object): string {
  return `${JSON.stringify({ type, object })}\n`;
}

function versioned({ metadata, addressType, endpoints, ports }: SliceObject, revision: number): object {
  return { metadata: { ...metadata, resourceVersion: textOf(revision) }, addressType, endpoints, ports };
}

function bookmarkOf(revision: number, annotations: Record<string, string> = {}): object {
  return { kind: 'EndpointSlice', metadata: { resourceVersion: textOf(revision), annotations } };
}

function fits(object: SliceObject, namespace: string, query: URLSearchParams): boolean {
  const [label, value] = (query.get('labelSelector') ?? '').split('=') as [string, string?];
  const own = object.metadata.labels[label];
  return object.metadata.namespace === namespace && own !== undefined && (value === undefined || own === value);
}

/** Opaque: the greater number may be the lesser text. */
function textOf(revision: number): string {
  return `v${String(revision).split('').toReversed().join('')}`;
}

function revisionOf(text: string): number {
  return Number(text.slice(1).split('').toReversed().join(''));
}

/** Answers with a Status, as the API does. */
export function fail(
  response: ServerResponse,
  code: number,
  message: string,
  headers: Record<string, string> = {},
): void {
  const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code };
  response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(status));
}
