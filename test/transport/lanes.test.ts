import { afterEach, expect, it } from 'vitest';
import { createMesh, isMeshError, type Mesh } from '../../src/index.ts';
import { always, delay, Faultd, type Script } from '../kit/faultd.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const closable of open.splice(0).toReversed()) await closable.close();
});

async function serve(script: Script): Promise<{ server: Faultd; mesh: Mesh; ask: (path?: string) => Promise<string> }> {
  const server = await Faultd.start(script);
  const mesh = createMesh({
    services: { svc: { target: `static://${server.address}`, retry: false, outlier: false, breaker: false } },
  });
  open.push(server, mesh);
  const ask = async (path = '/'): Promise<string> => {
    const { body } = await mesh.request({ origin: 'http://svc', path, method: 'GET' });
    return body.text();
  };
  return { server, mesh, ask };
}

it('requests one after another share one connection, through every door', async () => {
  const { server, mesh, ask } = await serve(always((peer) => void peer.respond()));
  for (let i = 0; i < 10; i++) await ask();
  for (let i = 0; i < 10; i++) await (await mesh.fetch('http://svc/')).text();
  expect(server.requests).toBe(20);
  expect(server.connections).toBe(1);
});

it('as many connections are opened as requests are in flight, and no more', async () => {
  const { server, ask } = await serve(
    always(async (peer) => {
      await delay(30);
      peer.respond();
    }),
  );
  for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 8 }, () => ask()));
  expect(server.requests).toBe(24);
  expect(server.connections).toBe(8);
});

it('a connection that broke is not used again; one that the server closed while idle is opened anew', async () => {
  const { server, ask } = await serve(
    always(async (peer, { path }) => {
      if (path === '/break') peer.reset();
      else {
        peer.respond();
        if (path === '/last') peer.end();
      }
      await delay(0);
    }),
  );
  await ask();
  const error: unknown = await ask('/break').catch((reason: unknown) => reason);
  expect(isMeshError(error, 'INMESH_RESET')).toBe(true);
  await ask('/last');
  await delay(20);
  expect(await ask()).toBe('ok');
  // The first, on which the reset may have been a matter of its age; the one on which it was not; the one that was closed; a last.
  expect(server.connections).toBe(4);
});

it('an answer that comes before the upload is done costs its connection and no other request', async () => {
  const { mesh, ask } = await serve(async (peer) => {
    peer.socket.once('data', () => peer.respond(413, 'too much'));
    await delay(50);
    for (let request = await peer.request(); request !== undefined; request = await peer.request()) peer.respond();
  });
  const endless = async function* (): AsyncGenerator<Buffer> {
    for (let i = 0; i < 200; i++) {
      yield Buffer.alloc(1_024);
      await delay(1);
    }
  };
  const upload = mesh.request({ origin: 'http://svc', path: '/', method: 'PUT', body: endless() as never });
  expect((await upload).statusCode).toBe(413);
  await (await upload).body.text();
  const answers = await Promise.allSettled([ask(), ask()]);
  expect(answers.every(({ status }) => status === 'fulfilled')).toBe(true);
});

it('requests given up while a connection is being made do not each begin another', async () => {
  const server = await Faultd.start(() => {});
  const mesh = createMesh({
    services: { svc: { target: `static://${server.address}`, protocol: 'https', retry: false, outlier: false } },
  });
  open.push(server, mesh);
  for (let i = 0; i < 30; i++) {
    const given = mesh.request({ origin: 'http://svc', path: '/', method: 'GET', signal: AbortSignal.timeout(5) });
    await expect(given).rejects.toThrow('aborted due to timeout');
  }
  expect(server.connections).toBeLessThanOrEqual(2);
});

it('a request given up while it waits for its connection leaves that connection to the next', async () => {
  const { server, mesh, ask } = await serve(always((peer) => void peer.respond()));
  await mesh.ready();
  const controller = new AbortController();
  const given = mesh.request({ origin: 'http://svc', path: '/', method: 'GET', signal: controller.signal });
  controller.abort(new Error('never mind'));
  await expect(given).rejects.toThrow('never mind');
  await delay(20);
  await ask();
  expect(server).toMatchObject({ connections: 1, requests: 1 });
  expect(mesh.service('svc').endpoints()[0]).toMatchObject({ inFlight: 0 });
});
