import pRetry from 'p-retry';
import type { Timer } from '../../core/clock.ts';
import type { Env } from '../../core/env.ts';
import { Fault, faultOf } from '../../resolver/index.ts';
import type { Api } from './api.ts';
import { ApiFault } from './fault.ts';
import { endsList, errorOf, nameOf, versionOf } from './objects.ts';
import { Pauses } from './pauses.ts';
import { Silence } from './silence.ts';
import { type Json, readSlice, type Slice, type Strings } from './slice.ts';
import { itemsOf, linesOf, parseObject } from './stream.ts';

/** Slices by name. */
export type Slices = ReadonlyMap<string, Slice>;

/** Whom a watch tells. */
export interface SliceObserver {
  /** All that there is: after a list, what is not in it is gone. */
  replaced(slices: Slices): void;
  /** One slice is new or changed. */
  changed(slice: Slice): void;
  removed(slice: Slice): void;
  /** Following fails, or works again. What was told stays valid. */
  fault(fault: Fault | undefined): void;
}

/** How many slices one page of a list holds. */
const PAGE = 250;
/** Seconds that one watch is asked for, drawn from this range so that many do not end together. */
const WATCH = { least: 300, most: 600 };
/** Grace beyond that, ms. */
const OVERTIME = 15_000;
/** How long an answer's head may take; how long nothing may come while a list is being sent; ms. */
const HEAD = 15_000;
const LIST_SILENCE = 15_000;
/** The same for a list at the beginning of a watch: a server that does not do it may say nothing at all. */
const INITIAL_SILENCE = 4_000;
/** How long a watch may be silent, ms: the API server sends a bookmark about every minute. */
const WATCH_SILENCE = 150_000;
/** A watch that lives so long has worked, ms. */
const PROVEN = 1_000;
/** Work for so long, then let the event loop turn; ms. */
const SLICE_OF_TIME = 5;

/** Follows the EndpointSlices of a namespace that a selector picks: lists, then watches, for ever, until `stop`. */
export class SliceWatch {
  readonly namespace: string;
  readonly #api: Api;
  readonly #selector: string;
  readonly #env: Env;
  readonly #observer: SliceObserver;
  readonly #strings: Strings;
  readonly #stopping: AbortController = new AbortController();
  readonly #pauses: Pauses;
  #slices: Map<string, Slice> = new Map();
  /** From where to go on; undefined: all must be listed. Opaque: never compared, only sent back. */
  #version: string | undefined;
  #known = false;
  /** When the event loop was last let turn. */
  #turned = 0;

  constructor(api: Api, namespace: string, selector: string, strings: Strings, env: Env, observer: SliceObserver) {
    this.namespace = namespace;
    this.#api = api;
    this.#selector = selector;
    this.#strings = strings;
    this.#env = env;
    this.#observer = observer;
    this.#pauses = new Pauses(env, this.#stopping.signal);
    void this.#run();
  }

  stop(): void {
    this.#stopping.abort(new Fault('STOPPED', 'nobody watches any more'));
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    // Every end of a watch but the good one is a failed attempt; attempts are without number.
    await pRetry(() => this.#follow(), {
      retries: Infinity,
      minTimeout: 0,
      signal,
      shouldRetry: async ({ error }) => {
        await this.#recover(error as Fault);
        return true;
      },
    }).catch((error: unknown) => {
      if (!signal.aborted) this.#env.log.error({ code: 'INMESH_KUBERNETES', error }, 'A watch of EndpointSlices died');
    });
  }

  async #follow(): Promise<never> {
    try {
      for (;;) {
        if (this.#version === undefined && !this.#api.streamsLists) await this.#list();
        await this.#watch();
        await this.#pauses.afterEnd();
      }
    } catch (error) {
      // p-retry does not repeat after a TypeError; a fault it does.
      throw faultOf(error);
    }
  }

  /** Decides from where to go on, tells of the failure, waits. */
  async #recover(fault: Fault): Promise<void> {
    const { signal } = this.#stopping;
    if (fault.kind === 'NO_STREAMED_LIST') return;
    const status = fault instanceof ApiFault ? fault.status : 0;
    // What is lost or cannot be read makes everything after it worthless; other failures leave the place in the stream.
    // A server that was restored from a backup fails for ever to go on from a version of its lost future.
    this.#pauses.failed(status === 410);
    const isLost = status === 410 || status === 400 || status === 422 || (status >= 500 && this.#pauses.failures > 3);
    if (isLost || UNREADABLE.has(fault.kind)) this.#version = undefined;
    const isPlain = status === 401 || status === 403 || status === 404;
    if (!this.#known || isPlain || this.#pauses.failures > 1) this.#observer.fault(fault);
    const delay = this.#pauses.after(this.#version === undefined, fault instanceof ApiFault ? fault.retryAfter : 0);
    this.#env.log.debug({ fault, delay }, `A watch of EndpointSlices in ${this.namespace} is begun anew`);
    if (status !== 401) await this.#pauses.sleep(delay);
    else await this.#pauses.sleepUntil(delay, () => this.#api.hasNewToken());
    signal.throwIfAborted();
  }

  #works(): void {
    if (this.#pauses.failures > 0) this.#observer.fault(undefined);
    this.#pauses.succeeded();
  }

  /** Reads all, page by page; nothing is told before the last. */
  async #list(): Promise<void> {
    const slices = new Map<string, Slice>();
    let page: string | undefined;
    do {
      const silence = new Silence(this.#env.clock, this.#stopping.signal, HEAD);
      try {
        const query = { labelSelector: this.#selector, limit: String(PAGE), ...(page && { continue: page }) };
        const asked = { verb: 'list', namespace: this.namespace } as const;
        const answer = await this.#api.slices(asked, query, silence.signal);
        silence.broken(LIST_SILENCE);
        let envelope = '';
        for await (const part of itemsOf(silence.over(answer.body))) {
          if ('envelope' in part) envelope = part.envelope;
          else this.#keep(slices, parseObject(part.item));
          await this.#breathe();
        }
        const { metadata } = parseObject(envelope);
        const { continue: next, resourceVersion } = (metadata ?? {}) as Json;
        if (typeof resourceVersion !== 'string') throw new Fault('MALFORMED', 'a list came without a resourceVersion');
        page = typeof next === 'string' && next !== '' ? next : undefined;
        this.#version = page === undefined ? resourceVersion : undefined;
      } finally {
        silence.end();
      }
    } while (page !== undefined);
    this.#replace(slices);
  }

  /** Follows changes from the version known, or from a list that the stream begins with, until the stream ends. */
  async #watch(): Promise<void> {
    const initial = this.#version === undefined ? new Map<string, Slice>() : undefined;
    const { clock, random } = this.#env;
    const seconds = WATCH.least + Math.floor(random() * (WATCH.most - WATCH.least));
    const silence = new Silence(clock, this.#stopping.signal, HEAD, seconds * 1_000 + OVERTIME);
    let proof: Timer | undefined;
    let since: number | undefined;
    try {
      const answer = await this.#ask(initial !== undefined, seconds, silence.signal);
      since = clock.now();
      if (initial === undefined) proof = clock.schedule(PROVEN, () => this.#works());
      await this.#read(silence, answer.body, initial);
      if (initial !== undefined && this.#version === undefined) throw noStreamedList(this.#api);
      if (clock.now() - since < PROVEN) throw new Fault('CLOSED', 'the API server ends every watch at once');
    } catch (error) {
      const isMute = since !== undefined && initial !== undefined && this.#version === undefined && silence.fell;
      throw isMute ? noStreamedList(this.#api) : error;
    } finally {
      proof?.cancel();
      silence.end();
    }
  }

  async #ask(initial: boolean, seconds: number, signal: AbortSignal): ReturnType<Api['slices']> {
    const from: Record<string, string> = initial
      ? { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }
      : { resourceVersion: this.#version! };
    const query = {
      labelSelector: this.#selector,
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(seconds),
      ...from,
    };
    try {
      return await this.#api.slices({ verb: 'watch', namespace: this.namespace }, query, signal);
    } catch (error) {
      const refused = error instanceof ApiFault && (error.status === 400 || error.status === 422);
      if (initial && refused) throw noStreamedList(this.#api);
      throw error;
    }
  }

  async #read(
    silence: Silence,
    body: AsyncIterable<Uint8Array>,
    initial: Map<string, Slice> | undefined,
  ): Promise<void> {
    silence.broken(initial === undefined ? WATCH_SILENCE : INITIAL_SILENCE);
    let staged = initial;
    for await (const line of linesOf(silence.over(body))) {
      const { type, object } = parseObject(line);
      const version = versionOf(object);
      switch (type) {
        case 'ADDED':
        case 'MODIFIED':
          if (staged !== undefined) this.#keep(staged, object);
          else this.#change(object);
          break;
        case 'DELETED':
          if (staged !== undefined) staged.delete(nameOf(object));
          else this.#remove(nameOf(object));
          break;
        case 'BOOKMARK':
          if (staged !== undefined && endsList(object)) {
            this.#version = version;
            this.#replace(staged);
            staged = undefined;
            silence.broken(WATCH_SILENCE);
          }
          break;
        case 'ERROR':
          throw errorOf(object, this.namespace, this.#api.name);
        default:
          throw new Fault(
            'MALFORMED',
            `the API server sent an event of the type ${JSON.stringify(type)?.slice(0, 40)}`,
          );
      }
      if (staged === undefined) {
        this.#version = version;
        this.#works();
      }
      await this.#breathe();
    }
  }

  #keep(slices: Map<string, Slice>, object: unknown): void {
    const slice = readSlice(object, this.#strings);
    if (slice !== undefined) slices.set(slice.name, slice);
  }

  #replace(slices: Map<string, Slice>): void {
    this.#slices = slices;
    this.#known = true;
    // A list is news, however the watch that follows it fares.
    this.#observer.fault(undefined);
    this.#observer.replaced(slices);
  }

  #change(object: unknown): void {
    const slice = readSlice(object, this.#strings);
    const name = slice?.name ?? nameOf(object);
    const before = this.#slices.get(name);
    if (slice === undefined) return this.#remove(name);
    if (before !== undefined && before.service !== slice.service) this.#remove(name);
    this.#slices.set(name, slice);
    this.#observer.changed(slice);
  }

  #remove(name: string): void {
    const slice = this.#slices.get(name);
    if (slice === undefined) return;
    this.#slices.delete(name);
    this.#observer.removed(slice);
  }

  /** Lets the event loop turn where this has worked for long. */
  async #breathe(): Promise<void> {
    const { clock } = this.#env;
    if (clock.now() - this.#turned < SLICE_OF_TIME) return;
    // Unless it is held, a turn may wait for the next thing that happens.
    await new Promise<void>((turn) => clock.schedule(0, turn).ref());
    this.#turned = clock.now();
  }
}

/** After these nothing of the stream can be trusted. */
const UNREADABLE = new Set(['MALFORMED', 'OVERSIZED']);

/** The server does not begin watches with a list; from now on lists are asked for. */
function noStreamedList(api: Api): Fault {
  api.streamsLists = false;
  return new Fault('NO_STREAMED_LIST', 'the API server does not begin a watch with a list');
}
