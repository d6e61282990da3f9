import { expect, it } from 'vitest';
import { dnsMesh, NAME } from './mesh-dns.ts';

it('25 empty-answer: traffic flows on while it is doubted; once believed, calls fail by name, until there are endpoints again', async () => {
  const hosts = ['127.0.0.1', '127.0.0.2'];
  const { dns, watch, traffic, until, state } = await dnsMesh(hosts, { zone: { [NAME]: { A: hosts, ttl: 1 } } });
  await traffic(1_000);
  dns.fault('*', 'empty');
  expect(await traffic(25_000, 500)).toEqual(new Set(hosts));
  await until(() => state() === 'empty', 200);
  const failures = [...(await traffic(500))];
  expect(failures).toHaveLength(1);
  expect(failures[0]).toContain('has no endpoints; discovery says empty');
  dns.fault('*', undefined);
  await until(() => state() === 'fresh', 200);
  expect(await traffic(1_000)).toEqual(new Set(hosts));
  await watch.check({ healthy: hosts });
});
