import { type Discovery, Mesh } from '../mesh/mesh.ts';
import type { MeshOptions } from '../mesh/options/index.ts';
import { standardSchemes } from '../resolver/index.ts';
import { kubernetesScheme } from './kubernetes/index.ts';

/** Every scheme that targets may have. */
const discovery: Discovery = ({ kubernetes }) => ({ ...standardSchemes, k8s: kubernetesScheme(kubernetes) });

/**
 * Makes a mesh. Nothing is resolved, connected or scheduled before its first call.
 *
 * ```ts
 * const mesh = createMesh({ services: { orders: 'dns://orders.internal:8080' } });
 * const res = await mesh.fetch('http://orders/v1/items');
 * ```
 * @throws MeshError `INMESH_CONFIG`, which lists every problem of the options with its path.
 */
export function createMesh(options: MeshOptions): Mesh {
  return new Mesh(options, discovery);
}
