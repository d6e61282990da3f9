import type { Env } from '../core/env.ts';
import { MeshError } from '../core/errors.ts';
import type { Call } from '../model/call.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Service } from '../model/service.ts';
import { Attempt } from './attempt.ts';
import { identityLayer } from './identity.ts';
import { Connection, type ConnectionSettings, createDialer } from './connection.ts';
import { inPieces } from './upload.ts';

/** The innermost service: sends a call to its endpoint over that endpoint's own connections, made at its first request. */
export function createLeaf(settings: LeafSettings, env: Env, onConnect: (endpoint: Endpoint) => void): Service {
  const send = leafOf(settings, env, onConnect);
  if (settings.protocolOpen !== true) return send;
  // Endpoints of which discovery knows what they speak: a leaf for each protocol that occurs.
  const others = new Map<Endpoint['protocol'], Service>();
  return (call) => {
    const protocol = call.endpoint?.protocol;
    if (protocol === undefined || protocol === settings.protocol) return send(call);
    let other = others.get(protocol);
    if (other === undefined) others.set(protocol, (other = discovered({ ...settings, protocol }, env, onConnect)));
    return other(call);
  };
}

/** How the endpoints of a service are reached, and whether an endpoint's own protocol goes first: nobody said one. */
export type LeafSettings = ConnectionSettings & { readonly protocolOpen?: boolean };

function discovered(settings: ConnectionSettings, env: Env, onConnect: (endpoint: Endpoint) => void): Service {
  const send = leafOf(settings, env, onConnect);
  return identityLayer({ ...settings, name: settings.service })?.(send) ?? send;
}

function leafOf(settings: ConnectionSettings, env: Env, onConnect: (endpoint: Endpoint) => void): Service {
  const dial = createDialer(settings, env);
  const multiplexed = settings.protocol === 'h2' || settings.protocol === 'h2c';
  return (call) => {
    const endpoint = endpointOf(call);
    let connection = endpoint.connection as Connection | undefined;
    if (connection === undefined) {
      endpoint.connection = connection = new Connection(endpoint, dial, settings);
      onConnect(endpoint);
    }
    const sent = multiplexed ? { ...call, request: inPieces(call.request) } : call;
    return new Attempt(sent, endpoint, connection.lines, env).head;
  };
}

function endpointOf(call: Call): Endpoint {
  if (call.endpoint !== undefined) return call.endpoint;
  throw new MeshError('INMESH_CONFIG', 'The stack has no `balance` layer before its transport: no endpoint was chosen');
}
