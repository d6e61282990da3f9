import { expect, it } from 'vitest';
import { dnsMesh, NAME } from './mesh-dns.ts';

it('28 cname: calls go through a chain of aliases to the end of it', async () => {
  const zone = { [NAME]: { CNAME: ['b.test'] }, 'b.test': { CNAME: ['c.test'] }, 'c.test': { A: ['127.0.0.1'] } };
  const { watch, traffic } = await dnsMesh(['127.0.0.1'], { zone });
  expect(await traffic(1_000)).toEqual(new Set(['127.0.0.1']));
  await watch.check({ healthy: ['127.0.0.1'] });
});

it('28 cname-loop: calls fail by name', async () => {
  const zone = { [NAME]: { CNAME: ['b.test'] }, 'b.test': { CNAME: [NAME] } };
  const { watch, traffic } = await dnsMesh(['127.0.0.1'], { zone });
  const [failure, ...others] = await traffic(300);
  expect(others).toEqual([]);
  expect(failure).toContain(`The endpoints of svc`);
  expect(failure).toMatch(/svc\.test → b\.test/);
  await watch.check();
});

it('28 mixed AAAA unreachable: no call fails or waits for the address that cannot be reached', async () => {
  const { mesh, watch, traffic } = await dnsMesh(['127.0.0.1'], {
    zone: { [NAME]: { A: ['127.0.0.1'], AAAA: ['100::1'] } },
    options: { retry: false },
  });
  expect(await traffic(5_000)).toEqual(new Set(['127.0.0.1']));
  expect(mesh.service('svc').endpoints()[0]).toMatchObject({ priority: 0, state: 'healthy' });
  await watch.check();
});
