/**
 * Layers of one's own. A layer is a function from service to service; the stack says where it goes.
 *
 *     node examples/custom-layer.ts
 */
import { createMesh, type Layer } from 'inmesh';
import { ScriptedEndpoint } from 'inmesh/testing';

const server = await ScriptedEndpoint.start();
server.respond(200, 'fine').next({ status: 503 });
const mesh = createMesh({ services: { orders: `static://${server.address}` } });

/**
 * Prepares only, so it returns what is next instead of awaiting it. Before `retry`: once a call, however often it is tried.
 * `mesh.fetch` gives headers as a plain object; undici's own functions may give pairs too.
 */
const tenant: Layer = (next) => (call) => {
  const headers = { ...(call.request.headers as Record<string, string>), 'x-tenant': 'acme' };
  return next({ ...call, request: { ...call.request, headers } });
};
mesh.stack.insertBefore('retry', { role: 'tenant', why: 'names the tenant on every request', layer: tenant });

/** Watches. After `balance`: once an attempt, and the endpoint is known. `onEnd` tells when the body is through. */
const log: Layer = (next) => async (call) => {
  const exchange = await next(call);
  exchange.onEnd(({ kind }) => console.log(`attempt ${call.attempt}: ${exchange.statusCode}, ${kind}`));
  return exchange;
};
mesh.stack.insertAfter('balance', log);

const response = await mesh.fetch('http://orders/v1/items');
console.log(response.status, await response.text());
console.log('the server saw x-tenant:', server.requests.map(({ headers }) => headers['x-tenant']).join(', '));
for (const { role, why } of mesh.stack.describe()) console.log(`- ${role}: ${why}`);

await mesh.close();
await server.close();
