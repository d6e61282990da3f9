/**
 * Mutual TLS: the mesh shows its certificate, and verifies that each endpoint is the service it is asked for, whatever its
 * address. Certificates are made on the fly with the `openssl` of the machine.
 *
 *     node examples/tls.ts
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { createMesh, meshErrorOf } from 'inmesh';

const folder = await mkdtemp(join(tmpdir(), 'inmesh-tls-'));

/** A certificate that vouches for itself: who trusts it needs no other authority. */
function certificate(name: string): { key: string; cert: string } {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-keyout', key, '-out', cert];
  execFileSync('openssl', [...made, '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`], {
    stdio: 'ignore',
  });
  return { key, cert };
}

const orders = certificate('orders');
const shop = certificate('shop');
const pem = (path: string): string => readFileSync(path, 'utf8');

const server = createServer(
  { key: pem(orders.key), cert: pem(orders.cert), ca: pem(shop.cert), requestCert: true, rejectUnauthorized: true },
  (request, response) => response.end(`hello ${(request.socket as TLSSocket).getPeerCertificate().subject.CN}`),
).listen(0, '127.0.0.1');
await once(server, 'listening');
const target = `static://127.0.0.1:${(server.address() as AddressInfo).port}`;

// Files or PEM text. With `tls` the protocol is https, also for http:// URLs: nothing falls back to plaintext.
const mesh = createMesh({ services: { orders: { target, tls: { ca: orders.cert, cert: shop.cert, key: shop.key } } } });
const response = await mesh.fetch('https://orders/v1/items');
console.log(response.status, await response.text());

// An endpoint that cannot prove the service's name is a mistake in the configuration: no retry, nobody ejected.
const mistaken = createMesh({
  services: { users: { target, tls: { ca: orders.cert, cert: shop.cert, key: shop.key } } },
});
const failure = await mistaken.fetch('https://users/').catch((error: unknown) => meshErrorOf(error));
console.log((failure as Error & { code: string }).code, (failure as Error).message);

await Promise.all([mesh.close(), mistaken.close()]);
server.close();
await rm(folder, { recursive: true });
