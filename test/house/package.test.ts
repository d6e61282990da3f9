import { spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadedBy } from '../kit/loaded.ts';
import { root, stage } from './stage.ts';

interface Manifest {
  license: string;
  type: string;
  engines: Record<string, string>;
  exports: Record<string, { types: string; default: string } | string>;
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional?: boolean }>;
}

const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest;

describe('package.json', () => {
  it('names exactly the dependencies that were chosen, each from a known good version on', () => {
    expect(manifest.dependencies).toEqual({
      'dns-packet': expect.stringMatching(/^\^5\.6\.\d+$/) as string,
      'lru-cache': expect.stringMatching(/^\^11\./) as string,
      opossum: expect.stringMatching(/^\^10\./) as string,
      'p-retry': expect.stringMatching(/^\^9\./) as string,
      undici: expect.stringMatching(/^\^8\.12\.([4-9]|\d\d+)$/) as string,
      valibot: expect.stringMatching(/^\^1\./) as string,
    });
    expect(Object.keys(manifest.peerDependencies)).toEqual(['@opentelemetry/api', 'yaml']);
    expect(manifest.peerDependenciesMeta).toEqual({ yaml: { optional: true } });
  });

  it('runs nothing on the machine of those who install it', () => {
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish', 'preprepare', 'postprepare'];
    expect(Object.keys(manifest.scripts).filter((name) => hooks.includes(name))).toEqual([]);
  });

  it('is MIT, ESM, and supports Node from the floor of undici 8 on', async () => {
    expect(manifest).toMatchObject({ license: 'MIT', type: 'module', engines: { node: '>=22.19.0' } });
    expect(await readFile(join(root, 'LICENSE'), 'utf8')).toMatch(/^MIT License\n/);
  });

  it('depends at run time only on packages with permissive licences', async () => {
    const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean; license?: string; hasInstallScript?: boolean }>;
    };
    const shipped = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true);
    const odd = shipped.filter(
      ([, { license }]) => !/^(MIT|ISC|Apache-2\.0|BlueOak-1\.0\.0|BSD-[23]-Clause)$/.test(license ?? ''),
    );
    expect(shipped.length).toBeGreaterThan(5);
    expect(odd).toEqual([]);
    expect(shipped.filter(([, { hasInstallScript }]) => hasInstallScript === true)).toEqual([]);
  });
});

describe('the house', () => {
  it('has only the rooms that are known at its top', async () => {
    const entries = await readdir(root, { withFileTypes: true });
    const known = ['.ci', '.git', 'bench', 'docs', 'examples', 'src', 'test'];
    const made = ['coverage', 'dist', 'node_modules', 'site'];
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    expect(folders.filter((name) => ![...known, ...made].includes(name))).toEqual([]);
  });
});

describe('the package', () => {
  let house: Awaited<ReturnType<typeof stage>>;
  let files: string[];

  beforeAll(async () => {
    house = await stage();
    const pack = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: house.path,
      encoding: 'utf8',
    });
    files = (JSON.parse(pack.stdout) as [{ files: { path: string }[] }])[0].files.map(({ path }) => path);
  });

  afterAll(() => house.remove());

  it('holds what was built, its sources, and nothing else', () => {
    const rest = files.filter((path) => !/^(dist|src)\//.test(path));
    expect(rest.toSorted()).toEqual(['LICENSE', 'README.md', 'package.json']);
    expect(files.filter((path) => /\.test\.|(^|\/)test\//.test(path))).toEqual([]);
  });

  it('has every file that its exports name', () => {
    const named = Object.values(manifest.exports).flatMap((entry) =>
      typeof entry === 'string' ? entry : Object.values(entry),
    );
    expect(named.map((path) => path.replace('./', '')).filter((path) => !files.includes(path))).toEqual([]);
  });

  it('has at most 60 KB of own code, gzipped, that its import loads', async () => {
    const loaded = await loadedBy(join(house.path, 'dist/index.js'));
    expect(loaded.size).toBeGreaterThan(1);
    const size = gzipSync([...loaded.values()].join('')).byteLength;
    expect(size).toBeGreaterThan(10 * 1_024);
    expect(size).toBeLessThanOrEqual(60 * 1_024);
  });
});
