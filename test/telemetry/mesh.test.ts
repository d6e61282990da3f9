import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMesh } from '../../src/discovery/create.ts';
import type { Mesh } from '../../src/mesh/mesh.ts';
import { context } from '../../src/telemetry/index.ts';
import { ManualClock, ScriptedEndpoint } from '../../src/testing/index.ts';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

let endpoint: ScriptedEndpoint;
let mesh: Mesh;

beforeAll(async () => {
  endpoint = await ScriptedEndpoint.start();
  mesh = createMesh({ services: { orders: { target: `static://${endpoint.address}`, deadline: '1h' } } });
});

afterAll(async () => {
  await mesh.close();
  await endpoint.close();
});

test.each([
  ['mesh.fetch', (url: string) => mesh.fetch(url)],
  ['built-in fetch', (url: string) => fetch(url, { dispatcher: mesh.dispatcher })],
])('deadline, criticality and trace of the context reach the endpoint through %s', async (_, send) => {
  endpoint.requests = [];
  await context.run({ deadline: '5s', criticality: 'critical', headers: { traceparent } }, async () => {
    await (await send('http://orders/')).text();
  });
  const { headers } = endpoint.requests[0]!;
  expect(headers).toMatchObject({ traceparent, 'x-mesh-criticality': 'critical', 'x-mesh-attempt': '0' });
  const left = Number(headers['x-mesh-timeout-ms']);
  expect(left, 'the context has five seconds, the service an hour').toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(5_000);
});

test('each attempt says which it is, and that less time is left', async () => {
  endpoint.requests = [];
  endpoint.next({ status: 503, delay: 20 }).respond(200, 'ok');
  await context.run({ deadline: '5s' }, async () => {
    expect(await (await mesh.fetch('http://orders/')).text()).toBe('ok');
  });
  const [first, second] = endpoint.requests.map(({ headers }) => headers);
  expect([first!['x-mesh-attempt'], second!['x-mesh-attempt']]).toEqual(['0', '1']);
  expect(Number(second!['x-mesh-timeout-ms'])).toBeLessThan(Number(first!['x-mesh-timeout-ms']));
});

test('a context whose time has passed sends nothing', async () => {
  endpoint.requests = [];
  await expect(context.run({ deadline: 0 }, () => mesh.fetch('http://orders/'))).rejects.toThrow(
    /fetch failed|deadline/i,
  );
  expect(endpoint.requests).toEqual([]);
});

test('a mesh on a clock of its own gets what remains of the deadline there', async () => {
  endpoint.requests = [];
  const clock = new ManualClock(1e9);
  const elsewhere = createMesh({ clock, services: { orders: `static://${endpoint.address}` } });
  await context.run({ deadline: '5s' }, async () => (await elsewhere.fetch('http://orders/')).text());
  expect(Number(endpoint.requests[0]!.headers['x-mesh-timeout-ms'])).toBeLessThanOrEqual(5_000);
  await elsewhere.destroy();
});
