/** What the choice looks at: see `SliceEndpoint`. */
export interface Candidate {
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly forZones: readonly string[] | undefined;
  readonly forNodes: readonly string[] | undefined;
}

/** Where this process runs. */
export interface Place {
  readonly zone: string | undefined;
  readonly node: string | undefined;
}

/** Which endpoints kube-proxy would send to. */
export interface Choice<C extends Candidate> {
  /** These, and no others. */
  readonly chosen: readonly C[];
  /** Ready as well, but meant for other zones or nodes. */
  readonly others: readonly C[];
  readonly by: 'node hints' | 'zone hints' | 'readiness' | 'termination';
}

/**
 * kube-proxy's rule (`pkg/proxy/topology.go`, `CategorizeEndpoints`): the ready ones; of these, if every one has node
 * hints and any is for our node, those; else the same with zones; all or nothing each time, for hints that some lack are
 * hints in the making. If none is ready, those that still serve while they terminate (KEP-1669).
 */
export function chooseEndpoints<C extends Candidate>(endpoints: readonly C[], { zone, node }: Place): Choice<C> {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  if (ready.length === 0) {
    const chosen = endpoints.filter((endpoint) => endpoint.serving && endpoint.terminating);
    return { chosen, others: [], by: 'termination' };
  }
  return (
    byHints(ready, node, (endpoint) => endpoint.forNodes, 'node hints') ??
    byHints(ready, zone, (endpoint) => endpoint.forZones, 'zone hints') ?? {
      chosen: ready,
      others: [],
      by: 'readiness',
    }
  );
}

function byHints<C extends Candidate>(
  ready: readonly C[],
  own: string | undefined,
  hintsOf: (endpoint: C) => readonly string[] | undefined,
  by: Choice<C>['by'],
): Choice<C> | undefined {
  if (own === undefined || ready.some((endpoint) => hintsOf(endpoint) === undefined)) return undefined;
  const chosen: C[] = [];
  const others: C[] = [];
  for (const endpoint of ready) (hintsOf(endpoint)!.includes(own) ? chosen : others).push(endpoint);
  return chosen.length === 0 ? undefined : { chosen, others, by };
}
