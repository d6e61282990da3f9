import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEnv } from '../../src/core/env.ts';
import { silentLogger } from '../../src/core/log.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { createResolver } from '../../src/resolver/index.ts';
import { kindOf, manualEnv, watching, type Watching } from './kit.ts';

let directory: string;
let path: string;
let watch: Watching | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'inmesh-'));
  path = join(directory, 'orders.json');
});
afterEach(async () => {
  watch?.stop();
  await rm(directory, { recursive: true, force: true });
});

function open(at = path): Watching {
  const env = createEnv({ log: silentLogger });
  return (watch = watching(createResolver(pathToFileURL(at).href, env)));
}

/** Waits until the last snapshot is as `like` says: file events come when the kernel sends them. */
async function until(like: Partial<Snapshot>): Promise<void> {
  await vi.waitFor(() => expect(watch?.last).toMatchObject(like), { timeout: 5_000, interval: 5 });
}

const of = (...addresses: string[]): Pick<Snapshot, 'endpoints'> => ({
  endpoints: addresses.map((address) => ({ address })),
});

describe('file://', () => {
  it.each([
    ['["10.0.0.1:80"]', [{ address: '10.0.0.1:80' }]],
    ['[{"address":"10.0.0.1:80","weight":2,"zone":"a"}]', [{ address: '10.0.0.1:80', weight: 2, zone: 'a' }]],
    [
      '{"endpoints":["10.0.0.1:80",{"address":"10.0.0.2:80"}]}',
      [{ address: '10.0.0.1:80' }, { address: '10.0.0.2:80' }],
    ],
  ])('reads %s', async (text, endpoints) => {
    await writeFile(path, text);
    open();
    await until({ state: 'fresh' });
    expect(watch?.last?.endpoints).toEqual(endpoints);
  });

  it('sees a change, and tells nothing when the content says the same', async () => {
    await writeFile(path, '["10.0.0.1:80","10.0.0.2:80"]');
    open();
    await until(of('10.0.0.1:80', '10.0.0.2:80'));
    await writeFile(path, ' [ "10.0.0.2:80", "10.0.0.1:80" ]');
    await writeFile(join(directory, 'other.json'), '[]');
    await rm(join(directory, 'other.json'));
    await writeFile(path, '["10.0.0.3:80"]');
    await until(of('10.0.0.3:80'));
    expect(watch!.seen).toHaveLength(2);
  });

  it('sees the swap of a ConfigMap', async () => {
    for (const [version, address] of ['10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80'].entries()) {
      await mkdir(join(directory, `..v${version}`));
      await writeFile(join(directory, `..v${version}`, 'orders.json'), JSON.stringify([address]));
    }
    await symlink('..v0', join(directory, '..data'));
    await symlink(join('..data', 'orders.json'), path);
    open();
    await until(of('10.0.0.1:80'));
    for (const [version, address] of [
      [1, '10.0.0.2:80'],
      [2, '10.0.0.3:80'],
    ] as const) {
      await symlink(`..v${version}`, join(directory, '..data_tmp'));
      await rename(join(directory, '..data_tmp'), join(directory, '..data'));
      await until(of(address));
    }
    expect(watch?.seen.map(({ state }) => state)).toEqual(['fresh', 'fresh', 'fresh']);
  });

  it('keeps the last good endpoints when the file is deleted, and takes up the new one', async () => {
    await writeFile(path, '["10.0.0.1:80"]');
    open();
    await until(of('10.0.0.1:80'));
    await rm(path);
    await until({ ...of('10.0.0.1:80'), state: 'stale' });
    expect(kindOf(watch!.last)).toBe('ENOENT');
    expect(watch!.last?.error?.message).toContain(path);
    await writeFile(path, '["10.0.0.2:80"]');
    await until({ ...of('10.0.0.2:80'), state: 'fresh' });
  });

  it('begins without the file or its directory, and takes them up when they appear', async () => {
    const late = join(directory, 'later', 'orders.json');
    open(late);
    await until({ state: 'error' });
    await mkdir(join(directory, 'later'));
    await writeFile(late, '["10.0.0.1:80"]');
    await until({ ...of('10.0.0.1:80'), state: 'fresh' });
    // The directory that is watched now is another than at first.
    await writeFile(late, '["10.0.0.2:80"]');
    await until(of('10.0.0.2:80'));
    expect(kindOf(watch?.seen[0])).toBe('ENOENT');
  });

  it.each([
    ['["10.0.0.1:80",', 'INVALID', 'half of one'],
    ['', 'INVALID', 'no JSON'],
    ['{"endpoint":[]}', 'INVALID', 'holds no list'],
    ['["10.0.0.2:80","nonsense"]', 'INVALID', 'endpoints[1].address'],
    ['[{"address":"10.0.0.2:80","wheight":1}]', 'INVALID', 'did you mean weight'],
    ['[{"address":"10.0.0.2:80","__proto__":{"weight":0}}]', 'INVALID', '__proto__ is unknown'],
    ['[]', 'EMPTY', 'names no endpoint'],
  ])('keeps the last good endpoints when the file becomes %j', async (text, kind, message) => {
    await writeFile(path, '["10.0.0.1:80"]');
    open();
    await until(of('10.0.0.1:80'));
    await writeFile(path, text);
    await vi.waitFor(
      () => {
        expect(watch!.last?.error?.message).toContain(message);
      },
      { timeout: 5_000, interval: 5 },
    );
    expect(watch!.last).toMatchObject({ ...of('10.0.0.1:80'), state: 'stale' });
    expect(kindOf(watch!.last)).toBe(kind);
    expect(watch!.last?.error?.message).toContain(path);
    await writeFile(path, '["10.0.0.3:80"]');
    await until({ ...of('10.0.0.3:80'), state: 'fresh' });
  });

  it('leaves no timer behind at stop', async () => {
    const { clock, env } = manualEnv();
    await writeFile(path, '["10.0.0.1:80"]');
    const quiet = watching(createResolver(pathToFileURL(path).href, env));
    await vi.waitFor(() => expect(quiet.addresses).toEqual(['10.0.0.1:80']));
    quiet.stop();
    await writeFile(path, '["10.0.0.2:80"]');
    await clock.advance(60_000);
    expect([clock.pending, quiet.seen.length]).toEqual([0, 1]);
  });
});
