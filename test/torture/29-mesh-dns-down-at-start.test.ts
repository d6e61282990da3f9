import { expect, it, onTestFinished } from 'vitest';
import { isMeshError } from '../../src/index.ts';
import { DnsServer } from '../../src/testing/dns-server.ts';
import { dnsMesh, NAME } from './mesh-dns.ts';
import { send } from './kit.ts';

it('29 dns-down-at-start: calls fail by name, nothing crashes, and the first call after one step of back-off is served', async () => {
  const { clock, dns, mesh, watch, traffic, until, state } = await dnsMesh(['127.0.0.1']);
  await dns.close();
  let error: unknown;
  const call = watch.call(() => send(mesh)).catch((reason: unknown) => (error = reason));
  await until(() => error !== undefined);
  await call;
  expect(isMeshError(error, 'INMESH_RESOLVE_FAILED')).toBe(true);
  const [failure, ...others] = await traffic(10_000, 500);
  expect(others).toEqual([]);
  expect(failure).toContain('are not known');
  const up = await DnsServer.start({
    port: Number(dns.address.split(':')[1]),
    zone: { [NAME]: { A: ['127.0.0.1'] } },
  });
  onTestFinished(() => up.close());
  const since = clock.now();
  await until(() => state() === 'fresh', 100);
  expect(clock.now() - since).toBeLessThanOrEqual(30_200);
  expect(await traffic(1_000)).toEqual(new Set(['127.0.0.1']));
  await watch.check({ healthy: ['127.0.0.1'] });
});

it('29 dns-down-at-start: a call that waits is served when the first answer comes late', async () => {
  const { clock, dns, mesh, watch, until } = await dnsMesh(['127.0.0.1'], { zone: { [NAME]: { A: ['127.0.0.1'] } } });
  dns.fault('*', 'drop');
  const begun = clock.now();
  let text: string | undefined;
  const call = watch.call(async () => ({ text } = await send(mesh)));
  await until(() => clock.now() - begun > 300);
  dns.fault('*', undefined);
  await until(() => text !== undefined);
  await call;
  expect(text).toBe('127.0.0.1');
  await watch.check({ healthy: ['127.0.0.1'] });
});
