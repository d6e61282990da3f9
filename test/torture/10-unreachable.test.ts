import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { meshErrorOf } from '../../src/index.ts';
import { always, delay, Faultd } from '../kit/faultd.ts';
import { Child } from './children/child.ts';
import { send, torture } from './kit.ts';

const answering = (): Promise<Faultd> => Faultd.start(always((peer) => void peer.respond()));

/** An address at which nobody listens. */
async function closedPort(): Promise<string> {
  const server = await answering();
  const { address } = server;
  await server.close();
  return address;
}

/** Takes one place in a listener's backlog; false where there is none left. */
async function fills(address: string): Promise<boolean> {
  const filler = connect(Number(address.split(':')[1]), '127.0.0.1').on('error', () => {});
  onTestFinished(() => void filler.destroy());
  return Promise.race([once(filler, 'connect').then(() => true), delay(100).then(() => false)]);
}

it('10 unreachable: where nobody listens is a failure to connect, and everything goes elsewhere, what is not idempotent too', async () => {
  const closed = await closedPort();
  const good = await answering();
  const { mesh, watch } = torture([closed, good.address], {
    outlier: false,
    retry: { budget: { ratio: 1, floorPerSecond: 100 } },
    balancer: 'round-robin',
  });
  for (let call = 0; call < 20; call++) {
    const method = call % 4 < 2 ? 'GET' : 'POST';
    const body = method === 'POST' ? 'once' : null;
    expect((await watch.call(() => send(mesh, { method, body }))).status).toBe(200);
  }
  expect(good.requests).toBe(20);
  expect(mesh.service('svc').endpoints()[0]!.successRate).toBeLessThan(1);
  await watch.check({ healthy: [good.address], sent: good.requests });
  await good.close();
});

it('10 unreachable: alone, it is a typed error at once that says where and that nothing was sent', async () => {
  const closed = await closedPort();
  const { mesh, watch } = torture([closed]);
  const refused = meshErrorOf(
    await watch.call(() => send(mesh, { method: 'POST', body: 'x' }).catch((reason: unknown) => reason), 500),
  );
  expect(refused).toMatchObject({ code: 'INMESH_CONNECT_FAILED', sent: false, endpoint: closed, attempts: 3 });
  expect(refused?.message).toContain('ECONNREFUSED');
  await watch.check();
});

it('10 unreachable: a listener that is too busy to accept costs the connect timeout once, not the deadline', async () => {
  const busy = Child.start('busy-listener.ts');
  onTestFinished(() => busy.stop());
  const address = await busy.told<string>('address');
  while (await fills(address));
  const good = await answering();
  const { mesh, watch } = torture([address, good.address], {
    connectTimeout: 150,
    deadline: 2_000,
    retry: { budget: { ratio: 1, floorPerSecond: 100 } },
  });
  const posts = Array.from({ length: 10 }, () =>
    watch.call(() => send(mesh, { method: 'POST', body: 'once' }).then(({ status }) => status), 600),
  );
  expect(new Set(await Promise.all(posts))).toEqual(new Set([200]));
  expect(good.requests).toBe(10);
  expect(mesh.service('svc').endpoints()[0]!.successRate).toBeLessThan(1);
  await watch.check({ healthy: [good.address], sent: good.requests });
  await good.close();
});

it('10 unreachable: a port that closes in the midst of traffic costs no idempotent call, and is used again when it is open again', async () => {
  const good = await answering();
  let leaving = await answering();
  const { port, address } = leaving;
  const { mesh, watch } = torture([address, good.address], {
    balancer: 'round-robin',
    outlier: { ejection: 100, ejectionCap: 100 },
    retry: { budget: { ratio: 1, floorPerSecond: 100 } },
  });
  let going = true;
  const statuses = new Set<unknown>();
  const traffic = Array.from({ length: 8 }, async () => {
    while (going) {
      statuses.add(await watch.call(() => send(mesh).then(({ status }) => status, String)));
      await delay(1);
    }
  });
  await delay(50);
  await leaving.close();
  await delay(150);
  expect(mesh.service('svc').endpoints()[0]!.state).toBe('ejected');
  leaving = await Faultd.start(
    always((peer) => void peer.respond()),
    { port },
  );
  while (mesh.service('svc').endpoints()[0]!.state === 'ejected') await delay(5);
  await delay(30);
  going = false;
  await Promise.all(traffic);
  expect(statuses).toEqual(new Set([200]));
  expect(leaving.requests).toBeGreaterThan(1);
  await watch.check({ healthy: [good.address] });
  await leaving.close();
  await good.close();
});
