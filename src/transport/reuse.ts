import type { Socket } from 'node:net';

/**
 * Errors of connections that had served a response before they broke. A server may close an idle connection in the
 * very moment in which the next request is written: that is nobody's fault, and tells nothing of the endpoint's health.
 */
const reused = new WeakSet<object>();

/** Lets errors of `socket` tell later whether it had been used before. */
export function markReuse(socket: Socket): void {
  socket.prependListener('error', (error) => {
    if (socket.bytesRead > 0) reused.add(error);
  });
}

/** Whether `error` broke a connection that had served before. */
export function brokeReused(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  if (reused.has(error)) return true;
  const { socket, cause } = error as { socket?: { bytesRead?: number }; cause?: unknown };
  return (socket?.bytesRead ?? 0) > 0 || brokeReused(cause);
}
