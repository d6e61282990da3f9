import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createEnv } from '../../src/core/env.ts';
import { Cluster } from '../../src/discovery/kubernetes/cluster.ts';
import { givenAccess } from '../../src/discovery/kubernetes/credentials.ts';
import { resolverTo, world } from '../discovery/kit.ts';
import { kindOf, watching } from '../resolver/kit.ts';
import { slice } from '../kit/apiserver.ts';

/** A token file that is replaced as the kubelet does it: by the swap of a link. */
function tokenFile(first: string): { path: string; write: (token: string) => void } {
  const folder = mkdtempSync(join(tmpdir(), 'inmesh-token-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'token');
  let version = 0;
  const write = (token: string): void => {
    const name = `token-${version++}`;
    writeFileSync(join(folder, name), `${token}\n`);
    symlinkSync(name, join(folder, 'next'));
    renameSync(join(folder, 'next'), path);
  };
  write(first);
  return { path, write };
}

it('32 token-expired: goes on within 2 s of a new token, lists nothing anew, and serves meanwhile', async () => {
  const { api, pass, wait, clock, env } = await world();
  const file = tokenFile('one');
  api.tokens = new Set(['one']);
  api.apply(slice('a', ['10.0.0.1']));
  const cluster = new Cluster(givenAccess({ server: api.url, tokenFile: file.path }, env.log), env);
  const orders = watching(resolverTo(cluster, 'k8s://shop/orders', env));
  onTestFinished(() => orders.stop());
  await pass(() => orders.addresses.length === 1 && api.watchers.size === 1);
  await wait(1_500, 100);
  api.tokens = new Set(['two']);
  api.drop('end');
  await pass(() => orders.last?.state === 'stale', 20);
  expect(kindOf(orders.last)).toBe('UNAUTHORIZED');
  // Long enough for the back-off to have become longer than two seconds.
  await wait(20_000, 100);
  const asked = api.asked.length;
  expect(asked).toBeLessThan(12);
  api.apply(slice('b', ['10.0.0.2']));
  file.write('two');
  const since = clock.now();
  await pass(() => orders.addresses.length === 2, 20);
  expect(clock.now() - since).toBeLessThanOrEqual(2_000);
  expect(orders.last?.state).toBe('fresh');
  expect(api.asked.slice(asked).map(({ verb }) => verb)).toEqual(['watch']);
  expect(api.asked.at(-1)!.headers.authorization).toBe('Bearer two');
  expect(orders.seen.every(({ endpoints }) => endpoints.length > 0)).toBe(true);
});

it('32 token-rotated: every request has the newest token, before the old one is refused', async () => {
  const { api, pass, env, wait } = await world();
  const file = tokenFile('t0');
  api.apply(slice('a', ['10.0.0.1']));
  const cluster = new Cluster(givenAccess({ server: api.url, tokenFile: file.path }, env.log), env);
  const orders = watching(resolverTo(cluster, 'k8s://shop/orders', env));
  onTestFinished(() => orders.stop());
  await pass(() => api.watchers.size === 1);
  for (let round = 1; round <= 5; round++) {
    file.write(`t${round}`);
    await wait(1_100, 100);
    api.drop('end');
    await pass(() => api.watchers.size === 1, 50);
    expect(api.asked.at(-1)!.headers.authorization).toBe(`Bearer t${round}`);
  }
  expect(orders.last?.state).toBe('fresh');
});

it('32 token-file: one that all may write is warned of; nothing that is said holds the token', async () => {
  const { api, pass, clock } = await world();
  const { chmodSync } = await import('node:fs');
  const file = tokenFile('very-secret');
  chmodSync(file.path, 0o666);
  const said: string[] = [];
  const note = (details: object, message: string): void => void said.push(JSON.stringify(details) + message);
  const env = createEnv({ clock, log: { debug: note, info: note, warn: note, error: note } });
  api.tokens = new Set(['other']);
  const cluster = new Cluster(givenAccess({ server: api.url, tokenFile: file.path }, env.log), env);
  const orders = watching(resolverTo(cluster, 'k8s://shop/orders', env));
  onTestFinished(() => orders.stop());
  await pass(() => orders.last !== undefined);
  expect(kindOf(orders.last)).toBe('UNAUTHORIZED');
  expect(said.filter((text) => text.includes('INMESH_TOKEN_FILE'))).toHaveLength(1);
  expect([...said, orders.last!.error!.message].filter((text) => text.includes('very-secret'))).toEqual([]);
});
