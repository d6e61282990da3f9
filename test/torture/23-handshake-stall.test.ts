import type { ServerHttp2Stream } from 'node:http2';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { meshErrorOf } from '../../src/index.ts';
import { Authority } from '../kit/certificates.ts';
import { Faultd } from '../kit/faultd.ts';
import { Http2d } from '../kit/h2d.ts';
import { startTlsd } from '../kit/tlsd.ts';
import { send, torture } from './kit.ts';

let authority: Authority;

beforeAll(async () => {
  authority = await Authority.create();
});

const answer = (stream: ServerHttp2Stream): void => {
  stream.respond({ ':status': 200 });
  stream.end('ok');
};

/** Takes the ClientHello, and says nothing. */
async function stalling(): Promise<Faultd> {
  const server = await Faultd.start(() => {});
  onTestFinished(() => server.close());
  return server;
}

describe.each(['https', 'h2'] as const)('23 handshake-stall over %s', (protocol) => {
  it('ends with the time for connecting, not with the deadline, and leaves no socket behind', async () => {
    const server = await stalling();
    const { mesh, watch } = torture([server.address], {
      protocol,
      tls: { ca: authority.cert },
      connectTimeout: 100,
      retry: false,
    });
    for (const method of ['GET', 'POST'] as const) {
      const call = watch.call(() => send(mesh, { method }).catch((reason: unknown) => reason), 130);
      const error = meshErrorOf(await call);
      expect(error).toMatchObject({ code: 'INMESH_CONNECT_FAILED', endpoint: server.address, sent: false });
      expect(error?.message).toContain('within 100ms');
    }
    await watch.check();
    await expect.poll(() => server.open).toBe(0);
  });

  it('costs no call where there is another endpoint, whatever its method', async () => {
    const stalled = await stalling();
    const identity = await authority.issue({ names: ['svc'] });
    const good = protocol === 'https' ? await startTlsd(identity) : await Http2d.start(answer, identity);
    const { mesh, watch } = torture([stalled.address, good.address], {
      protocol,
      tls: { ca: authority.cert },
      connectTimeout: 100,
      balancer: 'round-robin',
    });
    for (let call = 0; call < 12; call++) {
      const method = call % 2 === 0 ? 'POST' : 'GET';
      expect((await watch.call(() => send(mesh, { method, body: 'an order' }), 400)).status).toBe(200);
    }
    expect(stalled.connections).toBeGreaterThan(0);
    await watch.check({ healthy: [good.address] });
  });
});
