import { type FSWatcher, watch as watchFile } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Timer } from '../core/clock.ts';
import type { Env } from '../core/env.ts';
import type { EndpointInfo } from '../model/endpoint.ts';
import type { Resolver } from '../model/snapshot.ts';
import { readEndpoints } from './endpoints.ts';
import { Fault } from './fault.ts';
import { resolverOf, type Source } from './feed.ts';
import { type Answer, poll } from './poll.ts';

/** How often the file is read though no change was seen: some file systems tell of none. ms. */
const POLL = 30_000;
/** How long a burst of changes may go on before the file is read; ms. */
const SETTLE = 50;
/** The least time between two reads; ms. */
const SPACING = 100;

/** Watches a JSON file: `["host:port", …]`, objects with an `address` and more, or either as `{ "endpoints": […] }`. */
export function makeResolver(target: string, env: Env): Resolver {
  const path = fileURLToPath(target);
  return resolverOf(target, env, (feed) => {
    const directory = new DirectoryWatch(dirname(path), env, () => reading.refresh?.());
    const reading: Source = poll(feed, env, () => directory.renew().then(() => read(path)), SPACING);
    return {
      stop() {
        reading.stop();
        directory.stop();
      },
      refresh: () => reading.refresh?.(),
    };
  });
}

async function read(path: string): Promise<Answer> {
  const endpoints = endpointsIn(await readFile(path, 'utf8'), path);
  if (endpoints.length === 0) return { none: new Fault('EMPTY', `${path} names no endpoint`) };
  return { endpoints, next: POLL };
}

function endpointsIn(text: string, path: string): readonly EndpointInfo[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new Fault('INVALID', `${path} is no JSON, or half of one (${(error as Error).message})`, error);
  }
  const within = typeof content === 'object' && content !== null && Object.hasOwn(content, 'endpoints');
  const list = within ? (content as { endpoints: unknown }).endpoints : content;
  if (!Array.isArray(list)) {
    throw new Fault('INVALID', `${path} holds no list; write ["host:port", …] or { "endpoints": […] }`);
  }
  const problems: string[] = [];
  const endpoints = readEndpoints(list, 'endpoints', problems);
  if (problems.length > 0) throw new Fault('INVALID', `${path} is refused whole: ${problems.join('; ')}`);
  return endpoints;
}

/**
 * Tells of changes in a directory. The directory and not the file, because a ConfigMap changes by swapping a symbolic
 * link beside it, which a watch of the file never sees.
 */
class DirectoryWatch {
  readonly #path: string;
  readonly #env: Env;
  readonly #changed: () => void;
  #watcher: FSWatcher | undefined;
  /** Which directory is watched: one that was deleted and made again is another. */
  #identity: string | undefined;
  #settling: Timer | undefined;
  #stopped = false;

  constructor(path: string, env: Env, changed: () => void) {
    this.#path = path;
    this.#env = env;
    this.#changed = changed;
  }

  /** Watches the directory that is there now, if that is another than before. */
  async renew(): Promise<void> {
    const identity = await stat(this.#path).then(
      ({ dev, ino }) => `${dev}:${ino}`,
      () => undefined,
    );
    if (this.#stopped || identity === this.#identity) return;
    this.#identity = undefined;
    this.#watcher?.close();
    this.#watcher = undefined;
    if (identity === undefined) return;
    try {
      this.#watcher = watchFile(this.#path, { persistent: false }, () => this.#settle());
      this.#watcher.on('error', () => (this.#identity = undefined));
      this.#identity = identity;
    } catch {
      // No watch to be had (too many, or a file system without): the poll sees the change later.
    }
  }

  #settle(): void {
    if (this.#stopped) return;
    this.#settling ??= this.#env.clock.schedule(SETTLE, () => {
      this.#settling = undefined;
      this.#changed();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#settling?.cancel();
    this.#watcher?.close();
  }
}
