/**
 * Kubernetes: the pods of a Service, as kube-proxy would choose among them, but for each request and in the process.
 *
 * The problem. A ClusterIP balances connections, not requests: with keep-alive one client stays with one pod. Headless
 * DNS is late by its TTL, knows no ports and no zones. Clients of the whole API bring 80 MB, and informers in Node have a
 * history of standing still in silence. Reading EndpointSlices looks simple and is not: a Service has several, one
 * address may be in two, their ports may differ, and a field that is missing means yes or no by its name.
 *
 * The choice. List and watch over undici, ours: EndpointSlices alone, read as kube-proxy reads them, hints included
 * (`topology.ts`). A watch begins with a streamed list where the server has that, and with pages where not; both are read
 * piece by piece, so that ten thousand endpoints never hold up a request. It goes on from the last version after every
 * break, lists again after a 410, and never trusts silence: what sends nothing for 150 s is taken for dead. Token and
 * authorities are read anew before every request.
 *
 * One watch per Service, shared by the process, up to 8 Services of a namespace; beyond that one watch for the whole
 * namespace. Each watch holds a connection here and memory in the API server, so 500 Services watched singly are 500
 * lists and 500 open watches for each pod of the client; as a whole they are one request where lists are streamed, else
 * one list in pages of 250 slices and one watch. The rights needed are the same, for RBAC knows no labels.
 *
 * The trade-off. Watched as a whole, a namespace sends slices of Services that nobody asked for, which are kept. While
 * the API server is away the last good endpoints serve, however old; retries and ejection deal with those that are gone.
 * After a loss of place (410) a new list waits up to 12 s, so that a hundred clients ask no more than twenty times a
 * second; until then, what changes is not seen.
 *
 * Sources: the Kubernetes API concepts (efficient detection of changes, 410, bookmarks, streaming lists), kube-proxy's
 * `topology.go` and `endpointslicecache.go`, KEP-1669 (terminating endpoints), KEP-2433 and 3015 (hints), KEP-3157
 * (streaming lists), client-go's reflector.
 */
import type { KubernetesSettings } from '../../mesh/options/index.ts';
import type { Scheme } from '../../resolver/index.ts';
import { parseKubernetesTarget } from './target.ts';

/** `k8s://[namespace/]service[:port]`, in the cluster that `settings` lead to. */
export function kubernetesScheme(settings: KubernetesSettings | undefined): Scheme {
  return {
    check(text) {
      const target = parseKubernetesTarget(text);
      return typeof target === 'string' ? target : undefined;
    },
    load: async () => (await import('./load.ts')).resolverMaker(settings),
  };
}
