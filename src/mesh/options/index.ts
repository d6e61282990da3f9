/**
 * What users type, and what the mesh works with.
 *
 * Configuration is where a mesh is most often broken: a misspelt key that does nothing, a `2` that meant seconds, TLS
 * that silently was not used. So options are closed (an unknown key is an error that names the nearest known one),
 * durations carry units, contradictions are errors, and one error lists every problem with its place, as compilers do.
 * What comes out, `MeshSettings`, is complete: nobody beyond this folder knows a default or parses a duration.
 *
 * The interfaces in `types.ts` are written by hand, for people; the valibot schema checks; its annotation ties the two.
 * valibot rather than zod or ajv because importing it costs a few milliseconds, theirs 30 to 60.
 */
export type * from './types.ts';
export type { KubernetesSettings, MeshSettings, RetrySettings, ServiceSettings, TlsSettings } from './settings.ts';
export { SERVICE_DEFAULTS } from './defaults.ts';
export { parseOptions } from './parse.ts';
export { isServiceName } from './service-name.ts';
