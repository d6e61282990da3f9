import { meshErrorOf } from '../core/errors.ts';
import type { Endpoint } from './endpoint.ts';

/** Beside the error rather than in it: whoever logs an error does not want the endpoint's connections printed. */
const endpoints = new WeakMap<object, Endpoint>();

/** Notes that `error` came of the given attempt at `endpoint`, so that a retry can go elsewhere. The first to say so is believed. */
export function attribute(error: unknown, endpoint: Endpoint, attempt: number): void {
  const found = meshErrorOf(error);
  if (found === undefined || endpoints.has(found)) return;
  endpoints.set(found, endpoint);
  found.endpoint ??= endpoint.address;
  found.attempts = Math.max(found.attempts, attempt + 1);
}

/** The endpoint that an attempt was made at when `error` came of it, if it got that far. */
export function endpointOf(error: unknown): Endpoint | undefined {
  const found = meshErrorOf(error);
  return found === undefined ? undefined : endpoints.get(found);
}
