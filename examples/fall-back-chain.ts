/**
 * Several targets, tried in order: DNS first, and fixed addresses while DNS knows nothing.
 *
 *     node examples/fall-back-chain.ts
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createMesh } from 'inmesh';
import { DnsServer, ScriptedEndpoint } from 'inmesh/testing';

const dns = await DnsServer.start();
const preferred = await ScriptedEndpoint.start();
const lastResort = await ScriptedEndpoint.start();
preferred.respond(200, 'found in DNS');
lastResort.respond(200, 'the last resort');

const mesh = createMesh({
  services: {
    orders: { target: [`srv://_http._tcp.orders.internal?server=${dns.address}`, `static://${lastResort.address}`] },
  },
});
const ask = async (): Promise<string> => (await mesh.fetch('http://orders/')).text();

// DNS has no such name yet: the next target in the list serves.
console.log(await ask());

// DNS learns of the service. The mesh asks again by itself, and the first target takes over.
dns.set('_http._tcp.orders.internal', 'SRV', [{ port: preferred.port, target: 'a.orders.internal' }], 1);
dns.set('a.orders.internal', 'A', ['127.0.0.1'], 1);
while ((await ask()) !== 'found in DNS') await sleep(50);
console.log(await ask());

await mesh.close();
await Promise.all([dns.close(), preferred.close(), lastResort.close()]);
