import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Backend, startBackend } from './kit/backend.ts';

const root = resolve(import.meta.dirname, '../..');
const client = join(import.meta.dirname, 'kit/client.ts');

const nodes = [
  ['22.19', 'node-22'],
  ['24', 'node'],
  ['26', 'node-26'],
] as const;

const clients = ['undici-6', 'undici-7', 'undici'].flatMap((name) => [
  { name, api: 'fetch' },
  { name, api: 'request' },
]);

describe.each(nodes)('on Node %s', (_version, alias) => {
  let backends: Backend[];

  beforeAll(async () => {
    backends = [await startBackend('127.0.0.2'), await startBackend('127.0.0.3')];
  });

  afterAll(() => Promise.all(backends.map(({ stop }) => stop())));

  const cases = [{ name: 'built-in', api: 'fetch' }, ...clients].flatMap((one) => [
    { ...one, door: 'install' },
    { ...one, door: 'dispatcher' },
  ]);

  it.each(cases)('$name $api goes through mesh.$door', async ({ name, api, door }) => {
    const target = `static://${backends.map(({ address }) => address).join()}`;
    const node = join(root, 'node_modules', alias, 'bin/node');
    const { stdout } = await promisify(execFile)(node, [client, target, door, name, api], {
      cwd: root,
      timeout: 20_000,
    });
    expect(JSON.parse(stdout)).toEqual([
      expect.stringMatching(/^127\.0\.0\.[23] GET$/),
      expect.stringMatching(/^127\.0\.0\.[23] POST four$/),
    ]);
  });
});
