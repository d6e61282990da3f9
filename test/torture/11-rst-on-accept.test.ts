import { once } from 'node:events';
import { expect, it } from 'vitest';
import { meshErrorOf } from '../../src/index.ts';
import { always, Faultd } from '../kit/faultd.ts';
import { send, torture } from './kit.ts';

it('11 rst-on-accept: who resets every connection is left out after five attempts, and no idempotent call is lost', async () => {
  const resetting = await Faultd.start((peer) => peer.reset());
  const good = [
    await Faultd.start(always((peer) => void peer.respond())),
    await Faultd.start(always((peer) => void peer.respond())),
  ];
  const { mesh, watch } = torture([resetting.address, ...good.map(({ address }) => address)], {
    balancer: 'round-robin',
    retry: { budget: { ratio: 1, floorPerSecond: 100 } },
  });
  for (let call = 0; call < 60; call++) expect((await watch.call(() => send(mesh))).status).toBe(200);
  expect(resetting.connections).toBeLessThanOrEqual(5);
  expect(mesh.service('svc').endpoints()[0]).toMatchObject({ state: 'ejected', inFlight: 0 });
  const sent = good[0]!.requests + good[1]!.requests;
  expect(sent).toBe(60);
  await watch.check({ healthy: good.map(({ address }) => address), sent: sent + resetting.connections });
  for (const server of [resetting, ...good]) await server.close();
});

it('11 rst-on-accept: what may have been received is not sent twice', async () => {
  const resetting = await Faultd.start(async (peer) => {
    await once(peer.socket, 'data');
    peer.reset();
  });
  const { mesh, watch } = torture([resetting.address], { balancer: 'round-robin' });
  for (let call = 1; call <= 4; call++) {
    const post = watch.call(() => send(mesh, { method: 'POST', body: 'once' }).catch((reason: unknown) => reason));
    expect(meshErrorOf(await post)).toMatchObject({ code: 'INMESH_RESET', sent: true, attempts: 1 });
    expect(resetting.connections).toBe(call);
  }
  await watch.check();
  await resetting.close();
});
