/**
 * A test of what your code does when a server hangs, without waiting for it: `inmesh/testing` brings a clock that moves when
 * told, chance that repeats, and servers that misbehave on cue. The HTTP is real.
 *
 *     node examples/testing.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMesh, isMeshError } from 'inmesh';
import { ManualClock, ScriptedEndpoint, seededRandom } from 'inmesh/testing';

/** Waits for what really happens, such as a request that arrives: for that no clock can be moved. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

await test('a call to a server that hangs ends at its deadline', async () => {
  const clock = new ManualClock();
  const server = await ScriptedEndpoint.start();
  const mesh = createMesh({
    services: { orders: { target: `static://${server.address}`, deadline: '2s', retry: false } },
    clock,
    random: seededRandom(1),
  });
  server.hang();

  const failure = mesh.fetch('http://orders/').catch((error: unknown) => error);
  await until(() => server.requests.length === 1);
  await clock.advance(1_999);
  assert.equal(mesh.service('orders').endpoints()[0]?.inFlight, 1);
  await clock.advance(1);
  assert.ok(isMeshError(await failure, 'INMESH_DEADLINE_EXCEEDED'));

  await mesh.destroy();
  await server.close();
});

await test('a 503 is tried again', async () => {
  const clock = new ManualClock();
  const server = await ScriptedEndpoint.start();
  const mesh = createMesh({ services: { orders: `static://${server.address}` }, clock, random: seededRandom(1) });
  server.respond(200, 'fine').next({ status: 503 });

  const answer = mesh.fetch('http://orders/');
  await until(() => server.requests.length === 1);
  // The back-off is a random time of at most 25 ms.
  await until(() => {
    void clock.advance(1);
    return server.requests.length === 2;
  });
  assert.equal(await (await answer).text(), 'fine');

  await mesh.close();
  await server.close();
});
