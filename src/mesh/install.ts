import type { Dispatcher as UndiciDispatcher } from 'undici';
import { CURRENT_GLOBAL, globals, LEGACY_GLOBAL } from '../transport/globals-before.ts';
import { Agent, Dispatcher, Dispatcher1Wrapper, setGlobalDispatcher } from '../transport/undici.ts';
import type { Mesh } from './mesh.ts';

/** Undoes an `install()`; `using restore = mesh.install()` does it at the end of the block. */
export type Restore = Disposable & (() => void);

type Dispatch = UndiciDispatcher['dispatch'];

/** The process's dispatchers: of npm undici 8 and Node 26, and of what is older. */
export interface GlobalDispatchers {
  readonly current: UndiciDispatcher | undefined;
  readonly legacy: UndiciDispatcher | undefined;
}

/** The process's dispatchers as they are now. */
export function globalDispatchers(): GlobalDispatchers {
  // Built-in fetch is loaded at its first use and then claims an empty place; let it do so before it is remembered.
  void globalThis.Response;
  return { current: globals[CURRENT_GLOBAL], legacy: globals[LEGACY_GLOBAL] } as GlobalDispatchers;
}

/** Puts a mesh where built-in fetch and every npm undici of the process look for their dispatcher. */
export function installGlobally(mesh: Mesh): Restore {
  const before = globalDispatchers();
  const passthrough = passThrough(before);
  mesh._passthrough ??= passthrough;
  const view = new ProcessView(mesh, passthrough);
  setGlobalDispatcher(view);
  // setGlobalDispatcher puts a wrapper here that forbids HTTP/2; a mesh takes the older handlers by itself.
  globals[LEGACY_GLOBAL] = view;
  const restore = (): void => {
    view._restored = true;
    if (globals[CURRENT_GLOBAL] === view) globals[CURRENT_GLOBAL] = before.current;
    if (globals[LEGACY_GLOBAL] === view) globals[LEGACY_GLOBAL] = before.legacy;
  };
  return Object.assign(restore, { [Symbol.dispose]: restore });
}

/** The mesh as the whole process sees it: hosts that are no service go where they went before. */
class ProcessView extends Dispatcher {
  readonly _mesh: Mesh;
  readonly _passthrough: Dispatch;
  /** Whoever installed something over this view still leads here, and puts it back when undone. */
  _restored = false;

  constructor(mesh: Mesh, passthrough: Dispatch) {
    super();
    this._mesh = mesh;
    this._passthrough = passthrough;
  }

  override dispatch(options: UndiciDispatcher.DispatchOptions, handler: UndiciDispatcher.DispatchHandler): boolean {
    const { _mesh: mesh } = this;
    if (this._restored) return this._passthrough(options, handler);
    const refuse = mesh._settings.unknownService === 'reject';
    const route = mesh._routes.of(options.origin);
    const isUnknown = route.kind === 'refused' && !mesh._runtimes.has(route.service);
    if (isUnknown && !refuse) return this._passthrough(options, handler);
    return mesh._send(options, handler, route);
  }
}

/** Sends a request to where it would have gone without the mesh: the handler's age tells which global it came through. */
export function passThrough({ current, legacy }: GlobalDispatchers): Dispatch {
  let agent: UndiciDispatcher | undefined;
  return (options, handler) => {
    const isCurrent = typeof handler.onRequestStart === 'function';
    if (isCurrent && current !== undefined) return current.dispatch(options, handler);
    if (!isCurrent && legacy !== undefined) return legacy.dispatch(options, handler);
    agent ??= new Dispatcher1Wrapper(new Agent());
    return agent.dispatch(options, handler);
  };
}
