import { type ApiFault, statusFault } from './fault.ts';
import type { Json } from './slice.ts';

function metadataOf(object: unknown): Json {
  const { metadata } = (object ?? {}) as { metadata?: unknown };
  return typeof metadata === 'object' && metadata !== null ? (metadata as Json) : {};
}

/** The name of an object, or the empty text. */
export function nameOf(object: unknown): string {
  const { name } = metadataOf(object);
  return typeof name === 'string' ? name : '';
}

/** An object without a version cannot be gone on from. */
export function versionOf(object: unknown): string | undefined {
  const { resourceVersion } = metadataOf(object);
  return typeof resourceVersion === 'string' && resourceVersion !== '' ? resourceVersion : undefined;
}

/** Whether a bookmark ends the list that a watch began with. */
export function endsList(object: unknown): boolean {
  const { annotations } = metadataOf(object);
  return (annotations as Json | undefined)?.['k8s.io/initial-events-end'] === 'true';
}

/** The Status within an ERROR event. */
export function errorOf(object: unknown, namespace: string, server: string): ApiFault {
  const { code, message, details } = (object ?? {}) as { code?: unknown; message?: unknown; details?: unknown };
  const seconds = Number((details as Json | undefined | null)?.['retryAfterSeconds'] ?? 0);
  const status = typeof code === 'number' ? code : 500;
  const said = typeof message === 'string' ? message : '';
  return statusFault(status, said, { verb: 'watch', namespace, server }, seconds > 0 ? seconds * 1_000 : 0);
}
