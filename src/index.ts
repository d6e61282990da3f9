/**
 * An in-process service mesh for Node: discovery, per-request balancing, retries under a budget, breakers, deadlines
 * and trace context behind fetch, without a sidecar.
 *
 * @module
 */
export { createMesh } from './discovery/create.ts';
export type { Mesh, MeshSnapshot } from './mesh/mesh.ts';
export type { EndpointView, Explanation, ServiceSnapshot, ServiceView } from './mesh/service-view.ts';
export type { Restore } from './mesh/install.ts';
export type * from './mesh/options/types.ts';
export { context, type ContextOptions, type ContextState } from './telemetry/index.ts';
export {
  type Blame,
  isMeshError,
  MESH_ERROR_CODES,
  MeshError,
  type MeshErrorCode,
  type MeshErrorDetails,
  meshErrorOf,
} from './core/errors.ts';
export type { Duration } from './core/duration.ts';
export type { Clock, Timer } from './core/clock.ts';
export type { Random } from './core/random.ts';
export type { Logger } from './core/log.ts';
export type { Call } from './model/call.ts';
export type { Criticality } from './model/context.ts';
export type { Endpoint, EndpointInfo, EndpointState } from './model/endpoint.ts';
export type { Exchange } from './model/exchange.ts';
export type { Outcome } from './model/outcome.ts';
export type { Layer, Service } from './model/service.ts';
export type { CallSignal } from './model/signal.ts';
export type { Resolver, Snapshot } from './model/snapshot.ts';
export type { Stack, StackAddition, StackEntry } from './model/stack.ts';
export type { StackContext } from './mesh/stack.ts';
