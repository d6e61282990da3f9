import { afterAll, beforeAll, expect, it } from 'vitest';
import { createMesh, isMeshError } from '../../src/index.ts';
import { always, delay, Faultd } from '../kit/faultd.ts';
import { Invariants } from '../kit/invariants.ts';
import { Child } from './children/child.ts';
import { torture } from './kit.ts';

const LONG = 'x'.repeat(1_048_576);
/** `/long` is more than is taken in unread, `/short` is not; of `/busy` the first attempt is a 503 whose body never comes. */
let server: Faultd;
beforeAll(async () => {
  server = await Faultd.start(
    always((peer, { path, headers }) => {
      if (path === '/long') peer.respond(200, LONG);
      else if (path === '/short' || headers['x-mesh-attempt']?.[0] !== '0') peer.respond();
      else peer.write('HTTP/1.1 503 X\r\ncontent-length: 10\r\n\r\n');
    }),
  );
});
afterAll(() => server.close());

const ask = { origin: 'http://svc', method: 'GET' } as const;

it('53 body-never-consumed: sockets come back at the deadline, and one warning says what to do', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  const mesh = createMesh({
    services: {
      svc: { target: `static://${server.address}`, deadline: 600, attemptTimeout: 500, connectTimeout: 400 },
    },
  });
  const watch = new Invariants(mesh);
  const responses = await Promise.all(
    Array.from({ length: 10 }, () => watch.call(() => mesh.request({ ...ask, path: '/long' }))),
  );
  const fetched = await Promise.all(Array.from({ length: 10 }, () => watch.call(() => mesh.fetch('http://svc/long'))));
  expect(server.open).toBe(20);
  await delay(700);
  expect(server.open).toBe(0);
  expect(mesh.snapshot().inFlight).toBe(0);
  process.off('warning', onWarning);
  expect(warnings.map(({ name, code }: Error & { code?: string }) => `${name} ${code}`)).toEqual([
    'InmeshWarning INMESH_BODY_UNREAD',
  ]);
  expect(warnings[0]!.message).toContain('await response.body.cancel()');

  // Who reads too late is told why.
  for (const late of [responses[0]!.body.text(), fetched[0]!.text()])
    expect(isMeshError(await late.catch((error: unknown) => error), 'INMESH_DEADLINE_EXCEEDED')).toBe(true);
  await watch.check({ healthy: [server.address] });
});

it('53 body-never-consumed: a short one is no leak, for its connection is free before anybody reads', async () => {
  const { mesh, watch } = torture([server.address]);
  const before = server.connections;
  for (let call = 0; call < 20; call++) {
    await watch.call(() => mesh.request({ ...ask, path: '/short' }));
    await watch.call(() => mesh.fetch('http://svc/short'));
    await delay(1);
  }
  expect(server.connections - before).toBeLessThanOrEqual(2);
  expect(mesh.snapshot().inFlight).toBe(0);
  await watch.check({ healthy: [server.address] });
});

it('53 body-never-consumed: bodies that are cancelled give their connections back at once', async () => {
  const { mesh, watch } = torture([server.address]);
  await watch.call(async () => (await mesh.fetch('http://svc/long')).body!.cancel());
  await watch.call(async () => (await mesh.request({ ...ask, path: '/long' })).body.destroy());
  await watch.call(async () => (await mesh.request({ ...ask, path: '/short' })).body.dump());
  await delay(20);
  expect(mesh.snapshot().inFlight).toBe(0);
  expect(server.open).toBeLessThanOrEqual(1);
  await watch.check({ healthy: [server.address] });
});

it('53 body-never-consumed: the body of a failed attempt, which nobody sees, is not waited for without end', async () => {
  const { mesh, watch } = torture([server.address], {
    deadline: 300,
    attemptTimeout: 200,
    connectTimeout: 150,
    retry: { budget: { ratio: 1, floorPerSecond: 100 } },
  });
  const { statusCode, body } = await watch.call(() => mesh.request({ ...ask, path: '/busy' }));
  expect([statusCode, await body.text()]).toEqual([200, 'ok']);
  await delay(1_100);
  expect(mesh.service('svc').endpoints()[0]!.inFlight).toBe(0);
  expect(server.open).toBe(1);
  await watch.check();
});

it('53 body-never-consumed: a response that nobody holds any more gives its connection back long before its deadline', async () => {
  const child = Child.start('dropped-responses.ts', [server.address], { flags: ['--expose-gc'] });
  expect(await child.told('ready')).toBe(true);
  const { inFlight, rounds } = await child.told<{ inFlight: number; rounds: number }>('collected');
  expect({ inFlight, rounds }).toMatchObject({ inFlight: 0 });
  expect(await child.ended).toMatchObject({ code: 0, stderr: '' });
});
