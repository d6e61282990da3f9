import { SERVICE_DEFAULTS } from './defaults.ts';
import { isPlain } from './problems.ts';
import type { ParsedDefaults } from './parsed.ts';
import type { ServiceSettings, TlsSettings } from './settings.ts';

type Merged = Omit<ServiceSettings, 'name' | 'target' | 'protocol' | 'protocolOpen' | 'tls'>;

/**
 * The fields of one service: its own, else the mesh's defaults, else the built-in ones; within a policy field by field.
 * A policy that the mesh's defaults switch off and the service describes is on.
 */
export function mergeService(own: ParsedDefaults, shared: ParsedDefaults): Merged {
  const merged: Record<string, unknown> = {};
  for (const [key, builtIn] of Object.entries(SERVICE_DEFAULTS)) {
    const name = key as keyof typeof SERVICE_DEFAULTS;
    merged[key] = own[name] === false ? false : overlay(overlay(builtIn, shared[name], own[name]), own[name]);
  }
  return merged as unknown as Merged;
}

/** `under` with what `over` gives; `false` gives way to an object that comes `next`. */
function overlay(under: unknown, over: unknown, next?: unknown): unknown {
  if (over === undefined || (over === false && next !== undefined)) return under;
  if (!isPlain(under) || !isPlain(over)) return over;
  const result: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) result[key] = overlay(result[key], value);
  return result;
}

/** What is spoken: what was said, or what the presence of certificates implies. */
export function protocolOf(
  own: ParsedDefaults,
  shared: ParsedDefaults,
  tls: TlsSettings | undefined,
): ServiceSettings['protocol'] {
  return own.protocol ?? shared.protocol ?? (tls === undefined ? 'http' : 'https');
}
