/**
 * A mesh is an undici dispatcher: for undici's own functions, for built-in fetch, and for the whole process.
 *
 *     node examples/undici.ts
 */
import { createMesh } from 'inmesh';
import { ScriptedEndpoint } from 'inmesh/testing';
import { request } from 'undici';

const server = await ScriptedEndpoint.start();
server.respond(200, '{"items":[]}', { 'content-type': 'application/json' });
const mesh = createMesh({ services: { orders: `static://${server.address}` } });

// undici's methods, the fastest door:
const own = await mesh.request({ origin: 'http://orders', path: '/v1/items', method: 'GET' });
console.log('mesh.request', own.statusCode, await own.body.json());

// undici's functions, told which dispatcher to use:
const told = await request('http://orders/v1/items', { dispatcher: mesh });
console.log('undici.request', told.statusCode, await told.body.json());

// Built-in fetch, for one request:
const once = await fetch('http://orders/v1/items', { dispatcher: mesh.dispatcher });
console.log('fetch with dispatcher', once.status, await once.json());

// Built-in fetch and undici, process-wide, until it is undone. Hosts that are no service go where they always went.
const restore = mesh.install();
const everywhere = await fetch('http://orders/v1/items');
console.log('fetch after install', everywhere.status, await everywhere.json());
const elsewhere = await fetch(`http://${server.address}/`);
console.log('a host that is no service', elsewhere.status, await elsewhere.json());
restore();

await mesh.close();
await server.close();
