import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, it, onTestFinished } from 'vitest';
import { isMeshError } from '../../src/index.ts';
import { Faultd, type Script } from '../kit/faultd.ts';
import { send, torture } from './kit.ts';

/** Turns of the event loop that have begun: in each, sockets are read once. */
let turn = 0;

/** Waits for less than a timer can: a turn of the event loop at a time. */
async function wait(ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) await new Promise((resolve) => setImmediate(resolve));
}

/** Answers each request with its own path, and `gap` ms later, unasked, once more, in the name of somebody else. */
const poisoning =
  (gap: number, onPoison: () => void): Script =>
  async (peer) => {
    for (let request = await peer.request(); request !== undefined; request = await peer.request()) {
      peer.respond(200, request.path);
      let idle = true;
      peer.socket.once('data', () => (idle = false));
      await wait(gap);
      if (!idle) continue;
      onPoison();
      peer.respond(200, 'poison');
    }
  };

/** When the server poisons: all gaps of 0 to 4 ms by tenths, each against waits of the client of 0 to 5 ms. */
const GAPS = Array.from({ length: 41 }, (_, tenths) => tenths / 10);
const CALLS = 40;

it('18 poisoned-idle-socket: what came unasked on an idle connection is never taken for the answer to the next call', async () => {
  const written = new Map<string, number>();
  const onWrite = (message: unknown): void => {
    written.set((message as { request: { path: string } }).request.path, turn);
  };
  subscribe('undici:client:sendHeaders', onWrite);
  let counting = setImmediate(function count() {
    turn++;
    counting = setImmediate(count);
  });
  onTestFinished(() => {
    clearImmediate(counting);
    unsubscribe('undici:client:sendHeaders', onWrite);
  });

  let poisons = 0;
  const wrong: string[] = [];
  const sweep = async (gap: number): Promise<void> => {
    let last = 0;
    const server = await Faultd.start(
      poisoning(gap, () => {
        poisons++;
        last = turn;
      }),
    );
    const { mesh, watch } = torture([server.address], { limits: { perEndpoint: 1 } });
    for (let call = 0; call < CALLS; call++) {
      const path = `/${gap}/${call}`;
      const answer = send(mesh, { path, method: call % 2 === 0 ? 'GET' : 'POST' });
      const text = await watch.call(() =>
        answer.then(
          (response) => response.text,
          (error: unknown) => (isMeshError(error, 'INMESH_RESET') ? path : String(error)),
        ),
      );
      // What comes as the request leaves cannot be told from its answer: that is HTTP/1.1, and no client can help it.
      if (text !== path && written.get(path)! - last > 1) wrong.push(`${path}: ${text}`);
      await wait(call / 8);
    }
    await watch.check({ healthy: [server.address] });
    await server.close();
  };
  for (let lane = 0; lane < GAPS.length; lane += 8) await Promise.all(GAPS.slice(lane, lane + 8).map(sweep));
  expect(poisons).toBeGreaterThan(300);
  expect(wrong).toEqual([]);
});
