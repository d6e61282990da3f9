import { afterEach, describe, expect, it } from 'vitest';
import { createMesh } from '../../src/index.ts';
import { startHaproxy } from './kit/haproxy.ts';
import { load, repeat } from './kit/load.ts';
import { type Reloadable, startNginx } from './kit/nginx.ts';

const peers: Reloadable[] = [];
const meshes: { destroy(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(meshes.splice(0).map((mesh) => mesh.destroy()));
  await Promise.all(peers.splice(0).map((peer) => peer.stop()));
});

/** How many different configurations answered: proof that reloads took place under the load. */
const generations = (answers: ReadonlyMap<string, number>): number => answers.size;

// At this pace a graceful server rarely makes a retry necessary: what is proved is that the mesh adds no failure of its
// own. Twice the pace and GOAWAY after each 25 requests does need retries, more than their budget allows.
describe.each([
  ['nginx over HTTP/1.1', 'http', () => startNginx()],
  [
    'nginx over h2c, which says GOAWAY after each 100 requests',
    'h2c',
    () => startNginx({ listen: 'http2', server: 'keepalive_requests 100;' }),
  ],
  ['haproxy over HTTP/1.1', 'http', () => startHaproxy()],
  ['haproxy over h2c, which says GOAWAY at a reload', 'h2c', () => startHaproxy('proto h2')],
] as const)('two of %s', (_name, protocol, start) => {
  it('reload again and again under load, and no request fails', async () => {
    const pair = await Promise.all([start(), start()]);
    peers.push(...pair);
    const target = `static://${pair.map(({ port }) => `127.0.0.1:${port}`).join()}`;
    const mesh = createMesh({ services: { orders: { target, protocol } } });
    meshes.push(mesh);
    let turn = 0;
    const reloads = repeat(15, 200, () => pair[turn++ % 2]!.reload());
    const { sent, answers, failures } = await load(mesh.fetch, 'http://orders/', 500, reloads);
    expect(failures).toEqual({});
    expect(sent).toBeGreaterThan(800);
    expect(generations(answers)).toBeGreaterThanOrEqual(4);
  });
});
