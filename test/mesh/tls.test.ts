import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  createMesh,
  isMeshError,
  type Mesh,
  type MeshError,
  meshErrorOf,
  type ServiceOptions,
} from '../../src/index.ts';
import { silentLogger } from '../../src/core/log.ts';
import { Authority, type Identity } from '../kit/certificates.ts';
import { startTlsd } from '../kit/tlsd.ts';

let authority: Authority;
let orders: Identity;
let client: Identity;

beforeAll(async () => {
  authority = await Authority.create();
  [orders, client] = await Promise.all([
    authority.issue({ names: ['orders'] }),
    authority.issue({ uris: ['spiffe://ours.test/checkout'] }),
  ]);
});

function meshOf(address: string, options: Omit<ServiceOptions, 'target'>): Mesh {
  const services = { orders: { target: `static://${address}`, ...options } };
  const mesh = createMesh({ services, log: silentLogger });
  onTestFinished(() => mesh.close());
  return mesh;
}

const ask = async (mesh: Mesh, headers: Record<string, string> = {}, origin = 'http://orders'): Promise<number> => {
  const { statusCode, body } = await mesh.request({ origin, path: '/', method: 'GET', headers });
  await body.dump();
  return statusCode;
};

const failing = async (asked: Promise<unknown>): Promise<MeshError> => {
  const error = meshErrorOf(await asked.catch((reason: unknown) => reason));
  if (error === undefined) throw new Error('it did not fail');
  return error;
};

describe('TLS', () => {
  it('is spoken for http: and https: URLs alike, with the service’s name as SNI', async () => {
    const server = await startTlsd(orders);
    const mesh = meshOf(server.address, { tls: { ca: authority.cert } });
    expect(await ask(mesh)).toBe(200);
    expect(await ask(mesh, {}, 'https://orders')).toBe(200);
    expect((await mesh.fetch('https://orders/')).status).toBe(200);
    expect(server.servername).toBe('orders');
    expect(server.requests).toBe(3);
  });

  it('verifies the service’s name whatever Host the caller sends, on the connections that there are', async () => {
    const server = await startTlsd(orders);
    const mesh = meshOf(server.address, { tls: { ca: authority.cert } });
    for (let call = 0; call < 10; call++) expect(await ask(mesh, { host: `host-${call}.example:8443` })).toBe(200);
    expect(server.servername).toBe('orders');
    // undici's pool opens a second one where the first is not quite free again.
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  it('proves the client’s identity to a server that demands it', async () => {
    const server = await startTlsd({ ...orders, requestCert: true, ca: authority.cert });
    const mesh = meshOf(server.address, { tls: { ca: authority.cert, ...client } });
    expect(await ask(mesh)).toBe(200);
    expect(server.socket?.authorized).toBe(true);
    expect(server.socket?.getPeerCertificate().subjectaltname).toBe('URI:spiffe://ours.test/checkout');
  });

  it('verifies tls.servername in place of the service’s name', async () => {
    const server = await startTlsd(await authority.issue({ names: ['orders.internal'] }));
    const mesh = meshOf(server.address, { tls: { ca: authority.cert, servername: 'orders.internal' } });
    expect(await ask(mesh)).toBe(200);
    expect(server.servername).toBe('orders.internal');
    const unnamed = meshOf(server.address, { tls: { ca: authority.cert } });
    expect(await failing(ask(unnamed))).toMatchObject({ code: 'INMESH_TLS', blame: 'config', sent: false });
  });

  it('leaves the check of the name to tls.checkServerIdentity, and still verifies who signed', async () => {
    const spiffe = await authority.issue({ uris: ['spiffe://ours.test/orders'] });
    const asked: [string, string | undefined][] = [];
    const checkServerIdentity = (hostname: string, { subjectaltname }: PeerCertificate): undefined => {
      asked.push([hostname, subjectaltname]);
    };
    const mesh = meshOf((await startTlsd(spiffe)).address, { tls: { ca: authority.cert, checkServerIdentity } });
    expect(await ask(mesh)).toBe(200);
    expect(asked).toEqual([['orders', 'URI:spiffe://ours.test/orders']]);

    const foreign = await (await Authority.create()).issue({ uris: ['spiffe://ours.test/orders'] });
    const tricked = meshOf((await startTlsd(foreign)).address, { tls: { ca: authority.cert, checkServerIdentity } });
    expect((await failing(ask(tricked))).code).toBe('INMESH_TLS');
    expect(asked).toHaveLength(1);
  });

  it('takes a check that throws for a refusal', async () => {
    const server = await startTlsd(orders);
    const checkServerIdentity = (): never => {
      throw new TypeError('no such field');
    };
    const mesh = meshOf(server.address, { tls: { ca: authority.cert, checkServerIdentity } });
    const error = await failing(ask(mesh));
    expect(error).toMatchObject({ code: 'INMESH_TLS', endpoint: server.address, sent: false });
    expect(error.message).toContain('no such field');
    expect(server.requests).toBe(0);
  });

  it('speaks TLS 1.2 at least by default, and 1.3 with who can', async () => {
    const older = await startTlsd({ ...orders, maxVersion: 'TLSv1.2' });
    expect(await ask(meshOf(older.address, { tls: { ca: authority.cert } }))).toBe(200);
    expect(older.socket?.getProtocol()).toBe('TLSv1.2');
    const newer = await startTlsd(orders);
    expect(await ask(meshOf(newer.address, { tls: { ca: authority.cert } }))).toBe(200);
    expect(newer.socket?.getProtocol()).toBe('TLSv1.3');
  });
});

describe('plain text', () => {
  interface Plain {
    readonly address: string;
    connections: number;
    requests: number;
  }

  const speaksPlain = async (): Promise<Plain> => {
    const server = createServer((_request, response) => {
      seen.requests++;
      response.end();
    });
    server.on('connection', () => seen.connections++);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const seen = { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, connections: 0, requests: 0 };
    return seen;
  };

  it('is never fallen back to: a server that speaks it is refused, and sees no request', async () => {
    const server = await speaksPlain();
    for (const protocol of ['https', 'h2'] as const) {
      const error = await failing(ask(meshOf(server.address, { protocol })));
      expect(error).toMatchObject({ code: 'INMESH_TLS', sent: false });
      expect(error.message).toContain('wrong version number');
    }
    expect(server.requests).toBe(0);
  });

  it('is refused for an https: URL of a service that is not encrypted', async () => {
    const server = await speaksPlain();
    const error = await failing(ask(meshOf(server.address, {}), {}, 'https://orders'));
    expect(error.code).toBe('INMESH_CONFIG');
    expect(error.message).toContain("protocol: 'https'");
    expect(server.connections).toBe(0);
  });

  it('cannot be said of a service with tls options', () => {
    expect(() => meshOf('127.0.0.1:1', { protocol: 'http', tls: { ca: authority.cert } })).toThrow(/plaintext/);
  });

  it.each([301, 302, 303, 307, 308])(
    'is not what a %i to http: gets, be it of the same name or another',
    async (status) => {
      const plain = await speaksPlain();
      const byName = await startTlsd(orders, { location: `http://orders/next` }, status);
      const mesh = meshOf(byName.address, { tls: { ca: authority.cert } });
      await expect(mesh.fetch('https://orders/')).rejects.toThrow('fetch failed');
      expect(byName.requests).toBeGreaterThan(1);
      expect(byName.connections).toBe(byName.handshakes);

      const byAddress = await startTlsd(orders, { location: `http://${plain.address}/next` }, status);
      const other = meshOf(byAddress.address, { tls: { ca: authority.cert } });
      const error: unknown = await other.fetch('https://orders/').catch((reason: unknown) => reason);
      expect(isMeshError(error, 'INMESH_UNKNOWN_SERVICE')).toBe(true);
      expect(plain.connections).toBe(0);
    },
  );
});
