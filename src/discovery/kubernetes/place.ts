import type { Place } from './topology.ts';

/**
 * Where this process runs, from the downward API: `INMESH_ZONE`, `INMESH_NODE`, and `NODE_NAME`, by which name the node
 * is commonly passed on. Without them hints are ignored, as kube-proxy does on a node without a zone.
 */
export function placeOf(env: NodeJS.ProcessEnv = process.env): Place {
  return { zone: env['INMESH_ZONE'] || undefined, node: env['INMESH_NODE'] || env['NODE_NAME'] || undefined };
}
