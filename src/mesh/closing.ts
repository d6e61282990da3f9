import { MeshError } from '../core/errors.ts';
import type { TimerNode } from '../core/timers.ts';
import type { Mesh } from './mesh.ts';

/** Lets what is in flight finish within `drain` ms, aborts what is left, then lets go of connections and discovery. */
export async function closeMesh(mesh: Mesh, drain: number): Promise<void> {
  if (mesh._active.size > 0 && drain > 0) await idle(mesh, drain);
  abortAll(mesh);
  for (const runtime of mesh._runtimes.values()) runtime.cluster.stop();
  await Promise.all([...mesh._runtimes.values()].map((runtime) => runtime.cluster.disconnect('destroy')));
  mesh._connected.clear();
}

/** Ends every call in flight with `error`, by default that the mesh was closed. */
export function abortAll(mesh: Mesh, error?: Error): void {
  for (const delivery of mesh._active) {
    try {
      delivery.abort(error ?? cutError(delivery.service));
    } catch (thrown) {
      // A caller whose own code fails on this must not keep the others from being told.
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }
}

/** What a call meets that was under way when the mesh was closed: nobody knows how far it came. */
function cutError(service: string): MeshError {
  const message = `The mesh was closed while a call to ${service} was under way; raise the drain time of close() to let it finish`;
  return new MeshError('INMESH_CLOSED', message, { service });
}

/** What a call to a closed mesh meets. */
export function closedError(service: string): MeshError {
  return new MeshError('INMESH_CLOSED', `The mesh is closed: nothing can be sent to ${service} any more`, {
    service,
    sent: false,
  });
}

function idle(mesh: Mesh, drain: number): Promise<void> {
  const { timers, clock } = mesh._env;
  return new Promise((resolve) => {
    const limit: TimerNode = { due: 0, prev: undefined, next: undefined, fire: resolve };
    timers.add(limit, clock.now() + drain);
    mesh._onIdle = () => {
      timers.remove(limit);
      resolve();
    };
  });
}
