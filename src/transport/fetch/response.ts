import { Readable } from 'node:stream';
import type { Pieces } from './pieces.ts';
import { branchOf, lazyStream, wholeOf } from './stream.ts';

/** What a `Response` made by hand cannot be told: where it came from. */
export interface Provenance {
  readonly url: string;
  readonly redirected: boolean;
  readonly type: 'basic' | 'cors';
}

/** Header fields as a dispatcher hands them over: lower case names, a list where a name came more than once. */
export type Fields = Readonly<Record<string, string | string[] | undefined>>;

export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Fields;
}

type NativeBody = ConstructorParameters<typeof Response>[0];
type NativeHeaders = NonNullable<NonNullable<ConstructorParameters<typeof Response>[1]>['headers']>;

interface NativeHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: NativeHeaders;
}

type Make = (body: NativeBody, head: NativeHead, from: Provenance) => Response;

const PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** A response that nobody holds any more gives its connection back, unless somebody took the body out of it. */
const forgotten = new FinalizationRegistry<ReadableStream>((body) => {
  if (!body.locked && !Readable.isDisturbed(body as never))
    body.cancel('Response object has been garbage collected').catch(() => {});
});

/** Whether the constructor of Response takes this head: a status of 200 to 599 and a phrase in Latin-1. */
function isKnown({ status, statusText }: NativeHead): boolean {
  return status >= 200 && status <= 599 && PHRASE.test(statusText);
}

let native: Make | undefined;

function enumerable(prototype: object, constructor: unknown): void {
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    Object.defineProperty(prototype, name, { ...property, enumerable: name !== 'constructor' });
  }
  Object.defineProperty(prototype, 'constructor', { value: constructor });
}

/**
 * The real `Response`, filled through its public constructor, under a prototype that answers for the few fields the
 * constructor has no word for. `instanceof`, `constructor`, the brand check and every reader are the built-in ones.
 * Defined at first use, because touching `Response` loads the built-in undici, which an import should not.
 */
function define(): Make {
  // Not globalThis.Response itself: some servers put a stand-in there, and what fetch returns is still the built-in.
  const Native = Response.error().constructor as typeof Response;
  const NativeHeaders = new Native(null).headers.constructor as typeof Headers;
  const { clone } = Native.prototype;
  const getterOf = <K extends 'body' | 'headers'>(name: K): ((of: object) => Response[K]) => {
    const getter = Object.getOwnPropertyDescriptor(Native.prototype, name);
    return (of) => getter?.get?.call(of) as Response[K];
  };
  const bodyOf = getterOf('body');
  const headersOf = getterOf('headers');

  class SealedHeaders extends (NativeHeaders as unknown as new () => object) {
    append(...args: [string, string]): never {
      new NativeHeaders().append(...args);
      throw new TypeError('immutable');
    }

    delete(...args: [string]): never {
      new NativeHeaders().delete(...args);
      throw new TypeError('immutable');
    }

    set(...args: [string, string]): never {
      new NativeHeaders().set(...args);
      throw new TypeError('immutable');
    }
  }
  enumerable(SealedHeaders.prototype, NativeHeaders);

  class FetchResponse extends (Native as unknown as new (...args: ConstructorParameters<typeof Response>) => object) {
    readonly #from: Provenance;
    #sealed = false;

    constructor(...[body, head, from]: Parameters<Make>) {
      super(body, isKnown(head) ? head : { headers: head.headers });
      this.#from = from;
    }

    get type(): 'basic' | 'cors' {
      return this.#from.type;
    }

    get url(): string {
      return this.#from.url;
    }

    get redirected(): boolean {
      return this.#from.redirected;
    }

    get headers(): Headers {
      const headers = headersOf(this);
      if (!this.#sealed) {
        this.#sealed = true;
        Object.setPrototypeOf(headers, SealedHeaders.prototype);
      }
      return headers;
    }

    get body(): Response['body'] {
      const body = bodyOf(this);
      return body && wholeOf(body);
    }

    clone(): Response {
      const { status, statusText } = this as unknown as Response;
      const { headers } = this;
      const body = bodyOf(this);
      // Native where it can: for a body that is gone (it refuses), for none, and for a stream that is no longer lazy.
      const branch = (body && branchOf(body)) ?? clone.call(this as never).body;
      const twin = make(branch as never, { status, statusText, headers }, this.#from);
      const kept = bodyOf(this);
      if (kept) forgotten.register(this, kept);
      if (branch) forgotten.register(twin, branch);
      return twin;
    }
  }
  enumerable(FetchResponse.prototype, Native);

  const make: Make = (body, head, from) =>
    new (isKnown(head) ? FetchResponse : OddResponse)(body, head, from) as unknown as Response;

  /** For what the constructor of Response does not take. */
  class OddResponse extends FetchResponse {
    readonly #head: { readonly status: number; readonly statusText: string };

    constructor(...args: Parameters<Make>) {
      super(...args);
      this.#head = args[1];
    }

    // The constructor of Response asks for the status while there is no head yet.
    get status(): number {
      return #head in this ? this.#head.status : 200;
    }

    get ok(): boolean {
      return this.status >= 200 && this.status <= 299;
    }

    get statusText(): string {
      return #head in this ? this.#head.statusText : '';
    }
  }
  enumerable(OddResponse.prototype, Native);

  return make;
}

/** undici's parsed headers, as the constructor of Headers wants them: pairs as soon as a name comes twice. */
function fillable(headers: Fields): NativeHeaders {
  // Over HTTP/2 Node adds a symbol (`http2.sensitiveHeaders`), which Headers refuses.
  if (Object.getOwnPropertySymbols(headers).length > 0) return pairsOf(headers);
  for (const name in headers) if (typeof headers[name] !== 'string') return pairsOf(headers);
  return headers as Record<string, string>;
}

function pairsOf(headers: Fields): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    Array.isArray(value) ? value.map((each): [string, string] => [name, each]) : [[name, value ?? '']],
  );
}

/** A response as fetch would have made it. */
export function makeResponse(head: ResponseHead, body: Pieces | null, from: Provenance): Response {
  native ??= define();
  const { status, statusText, headers } = head;
  const stream = body && lazyStream(body);
  const response = native(stream, { status, statusText, headers: fillable(headers) }, from);
  // Most small bodies come in one turn with their head, and keep no connection: the registry, dear as it is, is for others.
  if (body !== null) {
    queueMicrotask(() => {
      if (!body.complete) forgotten.register(response, stream!);
    });
  }
  return response;
}
