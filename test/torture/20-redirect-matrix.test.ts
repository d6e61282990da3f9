import { describe, expect, it, onTestFinished } from 'vitest';
import { context, createMesh, isMeshError, type MeshOptions } from '../../src/index.ts';
import { silentLogger } from '../../src/core/log.ts';
import { Authority } from '../kit/certificates.ts';
import { always, Faultd, type WireRequest } from '../kit/faultd.ts';
import { Invariants } from '../kit/invariants.ts';
import { startTlsd } from '../kit/tlsd.ts';

const CODES = [301, 302, 303, 307, 308];
const SECRETS = { authorization: 'Bearer secret', cookie: 'session=secret', 'proxy-authorization': 'Basic secret' };
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** A server of one answer, which keeps what it was asked. */
async function keeping(status: number, location?: () => string): Promise<Faultd & { seen: WireRequest[] }> {
  const seen: WireRequest[] = [];
  const server = await Faultd.start(
    always((peer, request) => {
      seen.push(request);
      peer.respond(status, 'ok', location === undefined ? {} : { location: location() });
    }),
  );
  onTestFinished(() => server.close());
  return Object.assign(server, { seen });
}

/** Names in `request` that are nobody's business outside of the mesh, or of another origin. */
function leaked({ headers }: WireRequest, names: RegExp): string[] {
  return Object.keys(headers).filter((name) => names.test(name));
}

const CREDENTIALS = /^(authorization|cookie|proxy-authorization)$/;
const MESH = /^(x-mesh-.*|traceparent|tracestate|baggage)$/;

async function follow(
  options: MeshOptions,
  url: string,
  method: string,
): Promise<[answer: unknown, watch: Invariants]> {
  const mesh = createMesh({ log: silentLogger, ...options });
  const watch = new Invariants(mesh);
  const init = { method, headers: SECRETS, ...(method === 'POST' ? { body: 'an order' } : {}) };
  const answer: unknown = await watch.call(() =>
    context.run(
      { headers: { traceparent: TRACEPARENT, tracestate: 'a=b', baggage: 'user=7' }, criticality: 'critical' },
      () =>
        mesh.fetch(url, init).then(
          async (response) => {
            await response.text();
            return response.status;
          },
          (error: unknown) => error,
        ),
    ),
  );
  return [answer, watch];
}

describe.each(CODES)('20 redirect-matrix, %i', (code) => {
  describe.each(['GET', 'POST'])('%s', (method) => {
    it('to a host outside of the mesh is refused by name', async () => {
      const outside = await keeping(200);
      const inside = await keeping(code, () => `http://${outside.address}/next`);
      const [error, watch] = await follow({ services: { svc: `static://${inside.address}` } }, 'http://svc/', method);
      expect(isMeshError(error, 'INMESH_UNKNOWN_SERVICE')).toBe(true);
      expect(outside.connections).toBe(0);
      await watch.check({ healthy: [inside.address], sent: inside.requests });
    });

    it('to a host outside of the mesh that passes through carries neither credentials nor headers of the mesh', async () => {
      const outside = await keeping(200);
      const inside = await keeping(code, () => `http://${outside.address}/next`);
      const services = { svc: `static://${inside.address}` };
      const [status, watch] = await follow({ services, unknownService: 'passthrough' }, 'http://svc/', method);
      expect(status).toBe(200);
      expect(inside.seen).toHaveLength(1);
      expect(leaked(inside.seen[0]!, CREDENTIALS)).toHaveLength(3);
      expect(leaked(inside.seen[0]!, MESH).toSorted()).toEqual([
        'baggage',
        'traceparent',
        'tracestate',
        'x-mesh-attempt',
        'x-mesh-criticality',
        'x-mesh-timeout-ms',
      ]);
      expect(outside.seen).toHaveLength(1);
      expect(leaked(outside.seen[0]!, CREDENTIALS)).toEqual([]);
      expect(leaked(outside.seen[0]!, MESH)).toEqual([]);
      expect(outside.seen[0]!.headers['host']).toEqual([outside.address]);
      await watch.check({ healthy: [inside.address], sent: inside.requests });
    });

    it('to another service, or to another port, carries no credentials', async () => {
      const other = await keeping(200);
      for (const location of ['http://other/next', 'http://other:8080/next', 'http://svc:8080/next']) {
        other.seen.length = 0;
        const redirecting = await Faultd.start(
          always((peer, request) => {
            if (request.path === '/next') other.seen.push(request);
            if (request.path === '/') peer.respond(code, '', { location });
            else peer.respond();
          }),
        );
        onTestFinished(() => redirecting.close());
        const services = { svc: `static://${redirecting.address}`, other: `static://${other.address}` };
        const [status, watch] = await follow({ services }, 'http://svc/', method);
        expect(status).toBe(200);
        expect(other.seen).toHaveLength(1);
        expect(leaked(other.seen[0]!, CREDENTIALS)).toEqual([]);
        await watch.check({ healthy: [redirecting.address, other.address] });
      }
    });

    it('from https: to http: carries nothing in plain text', async () => {
      const authority = await Authority.create();
      const plain = await keeping(200);
      const secure = await startTlsd(
        await authority.issue({ names: ['svc'] }),
        { location: `http://${plain.address}/next` },
        code,
      );
      const services = { svc: { target: `static://${secure.address}`, tls: { ca: authority.cert } } };
      const [status, watch] = await follow({ services, unknownService: 'passthrough' }, 'https://svc/', method);
      expect(status).toBe(200);
      expect(plain.seen).toHaveLength(1);
      expect([...leaked(plain.seen[0]!, CREDENTIALS), ...leaked(plain.seen[0]!, MESH)]).toEqual([]);
      await watch.check({ healthy: [secure.address] });
    });
  });
});
