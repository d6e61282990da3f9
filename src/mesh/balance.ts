import { MeshError } from '../core/errors.ts';
import { attribute } from '../model/attribution.ts';
import type { Call } from '../model/call.ts';
import type { Exchange } from '../model/exchange.ts';
import { outcomeOfError } from '../model/outcome.ts';
import { invoke, type Layer, type Service } from '../model/service.ts';
import type { Cluster } from './cluster.ts';

/** Chooses an endpoint for each attempt, and tells the balancer how the attempt ended. */
export function balanceLayer(cluster: Cluster): Layer {
  return (next) => (call) => {
    if (cluster.isResolved) return send(cluster, next, call);
    return cluster.whenResolved(call).then(() => send(cluster, next, { ...call, begun: cluster.env.clock.now() }));
  };
}

function send(cluster: Cluster, next: Service, call: Call): Promise<Exchange> {
  const pick = cluster.pick(call);
  if (pick === undefined) return Promise.reject(noEndpoint(cluster));
  const { endpoint } = pick;
  return invoke(next, { ...call, endpoint }).then(
    (exchange) => {
      exchange.onEnd((outcome) => pick.done(outcome));
      return exchange;
    },
    (error: unknown) => {
      const now = cluster.env.clock.now();
      pick.done(outcomeOfError(error, now - call.begun, now));
      attribute(error, endpoint, call.attempt);
      throw error;
    },
  );
}

function noEndpoint(cluster: Cluster): MeshError {
  const { target, snapshot } = cluster;
  const why = snapshot?.error === undefined ? '' : `: ${snapshot.error.message}`;
  const message = `${cluster.name} (${target}) has no endpoints; discovery says ${snapshot?.state ?? 'nothing'}${why}`;
  return new MeshError('INMESH_NO_ENDPOINT', message, { service: cluster.name, sent: false });
}
