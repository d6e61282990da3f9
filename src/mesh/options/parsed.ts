import type { ServiceSettings } from './settings.ts';
import type { MeshOptions, ServiceOptions, TlsOptions } from './types.ts';

/** Options that the schema let through: what was given and no more, durations already in milliseconds. */
export interface ParsedOptions extends Omit<MeshOptions, 'services' | 'defaults'> {
  services: Record<string, string | ParsedService>;
  defaults?: ParsedDefaults;
}

export type ParsedService = ParsedDefaults & Pick<ServiceOptions, 'target'>;

export type ParsedDefaults = Given<Omit<ServiceSettings, 'name' | 'target' | 'tls' | 'protocolOpen'>> & {
  tls?: TlsOptions;
};

/** `T` with every field of it, and of the objects in it, left to the user. */
type Given<T> = { -readonly [Key in keyof T]?: T[Key] extends object | false ? Given<T[Key]> : T[Key] };
