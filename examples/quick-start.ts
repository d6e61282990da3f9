/**
 * The three lines, against two servers that are started here.
 *
 *     node examples/quick-start.ts
 */
import { createMesh } from 'inmesh';
import { ScriptedEndpoint } from 'inmesh/testing';

const servers = [await ScriptedEndpoint.start(), await ScriptedEndpoint.start()];
for (const server of servers)
  server.respond(200, `{"from":"${server.address}"}`, { 'content-type': 'application/json' });

const mesh = createMesh({ services: { orders: `static://${servers[0]!.address},${servers[1]!.address}` } });
const res = await mesh.fetch('http://orders/v1/items'); // the host is the service's name
console.log(res.status, await res.json());

// One server goes away. Its connections are refused from now on, and no caller notices.
await servers[0]!.close();
for (let i = 0; i < 20; i++) await (await mesh.fetch('http://orders/v1/items')).text();
console.log('20 more, all answered by', servers[1]!.address);

await mesh.close();
await servers[1]!.close();
