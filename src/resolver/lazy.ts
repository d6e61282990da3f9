import type { Env } from '../core/env.ts';
import type { Resolver } from '../model/snapshot.ts';
import { Fault } from './fault.ts';
import { resolverOf } from './feed.ts';
import type { Scheme } from './schemes.ts';

/** A resolver whose code is loaded at its first watch: what is not used costs neither import time nor a handle. */
export function lazyResolver(target: string, scheme: Scheme, env: Env): Resolver {
  let loading: Promise<Resolver> | undefined;
  let loaded: Resolver | undefined;
  const load = async (): Promise<Resolver> => {
    const make = await scheme.load();
    return (loaded = make(target, env));
  };
  return {
    target,
    watch(listener) {
      let stop: (() => void) | undefined;
      let stopped = false;
      loading ??= load();
      void loading
        .catch((error: unknown) => brokenResolver(target, error, env))
        .then((resolver) => {
          if (!stopped) stop = resolver.watch(listener);
        });
      return () => {
        stopped = true;
        stop?.();
      };
    },
    refresh: () => loaded?.refresh?.(),
  };
}

/** Stands in for code that cannot be loaded: left out of a bundle, as a rule. */
function brokenResolver(target: string, error: unknown, env: Env): Resolver {
  return resolverOf(target, env, (feed) => {
    const message = `its code cannot be loaded (${error instanceof Error ? error.message : String(error)})`;
    queueMicrotask(() => feed.failed(new Fault('UNLOADABLE', message, error)));
    return { stop() {} };
  });
}
