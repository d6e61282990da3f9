/**
 * What a test of a mesh needs, and what inmesh's own tests use: time that moves when told (`ManualClock`), chance that repeats
 * (`seededRandom`), discovery by hand (`ManualResolver`), and real servers that misbehave on cue (`ScriptedEndpoint`,
 * `DnsServer`).
 *
 * Nothing here imports a test runner. What is simulated is only what a test cannot wait for or repeat; HTTP and DNS are real.
 */
export { seededRandom, type Random } from '../core/random.ts';
export {
  type DnsFault,
  type DnsQuery,
  type DnsRecords,
  DnsServer,
  type DnsServerOptions,
  type DnsType,
  type SrvData,
} from './dns-server.ts';
export { ManualClock } from './manual-clock.ts';
export { ManualResolver } from './manual-resolver.ts';
export {
  type ScriptedAnswer,
  type ScriptedBehaviour,
  ScriptedEndpoint,
  type ScriptedRequest,
} from './scripted-endpoint.ts';
