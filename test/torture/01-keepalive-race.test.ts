import { expect, it } from 'vitest';
import { isMeshError } from '../../src/index.ts';
import { delay, Faultd, type Script } from '../kit/faultd.ts';
import { send, torture } from './kit.ts';

/** Answers, and closes what has been idle for 5 ms: just when the next request is on its way. */
const closesWhenIdle =
  (effects: Map<string, number>): Script =>
  async (peer) => {
    for (let request = await peer.request(); request !== undefined; request = await peer.request()) {
      effects.set(request.body, (effects.get(request.body) ?? 0) + 1);
      peer.respond(200, 'ok');
      const idle = setTimeout(() => peer.end(), 5);
      peer.socket.once('data', () => clearTimeout(idle));
    }
  };

it('1 keepalive-race: a server that closes idle connections as the next request leaves costs no idempotent call, and no other is sent twice', async () => {
  const effects = new Map<string, number>();
  const servers = await Promise.all([Faultd.start(closesWhenIdle(effects)), Faultd.start(closesWhenIdle(effects))]);
  const addresses = servers.map(({ address }) => address);
  const { mesh, watch } = torture(addresses);

  for (let call = 0; call < 300; call++) {
    expect((await watch.call(() => send(mesh))).status).toBe(200);
    await delay(4 + (call % 3));
  }
  effects.clear();
  const failures: unknown[] = [];
  for (let call = 0; call < 150; call++) {
    const answer = watch.call(() => send(mesh, { method: 'POST', body: `order ${call}` }));
    await answer.catch((error: unknown) => failures.push(error));
    await delay(4 + (call % 3));
  }
  expect(failures.length).toBeLessThan(150);
  expect(failures.every((error) => isMeshError(error, 'INMESH_RESET'))).toBe(true);
  await watch.check({ healthy: addresses, effects: effects.values() });
  for (const server of servers) await server.close();
});
