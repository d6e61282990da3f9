import { spawnSync } from 'node:child_process';
import { cp, glob, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { floors } from '../../oxlint.config.ts';

const root = resolve(import.meta.dirname, '../..');

/** A small house, and what lint is to say of each file: '' is nothing. */
const samples: Record<string, { code: string; report: string }> = {
  'core/upward.ts': { code: `import type { Call } from '../model/call.ts';`, report: 'floor 0' },
  'resolver/sideways.ts': { code: `import { pick } from '../balancer/pick.ts';`, report: 'floor 2' },
  'resolver/dns/deep.ts': { code: `import { pick } from '../../health/pick.ts';`, report: 'floor 2' },
  'mesh/door.ts': { code: `import { createMesh } from '../index.ts';`, report: 'floor 4' },
  'mesh/re-export.ts': { code: `export * from '../config/schema.ts';`, report: 'floor 4' },
  'mesh/undici.ts': { code: `import { Pool } from 'undici';`, report: 'src/transport/undici.ts' },
  'transport/pool.ts': { code: `import { Pool } from 'undici';`, report: 'src/transport/undici.ts' },
  'transport/undici.ts': { code: `import { Pool } from 'undici';`, report: '' },
  'mesh/undici-type.ts': { code: `import type { Pool } from 'undici';`, report: '' },
  'mesh/opossum.ts': { code: `import Breaker from 'opossum';`, report: 'src/resilience/breaker' },
  'resilience/breaker/opossum.ts': { code: `import Breaker from 'opossum';`, report: '' },
  'balancer/retry.ts': { code: `import retry from 'p-retry';`, report: 'src/resilience/retry' },
  'resilience/retry/loop.ts': { code: `import retry from 'p-retry';`, report: '' },
  'resilience/clock.ts': { code: `setTimeout(() => {}, 1);`, report: 'Time comes from Env' },
  'resilience/global.ts': { code: `globalThis.setInterval(() => {}, 1);`, report: 'Time comes from Env' },
  'balancer/now.ts': { code: `export const now = Date.now();`, report: 'Time comes from Env' },
  'balancer/perf.ts': { code: `import { performance } from 'node:perf_hooks';`, report: 'Time comes from Env' },
  'balancer/sleep.ts': { code: `import { setTimeout } from 'node:timers/promises';`, report: 'Time comes from Env' },
  'balancer/chance.ts': { code: `export const chance = Math.random();`, report: 'Chance comes from Env' },
  'core/clock.ts': { code: `export const now = performance.now() + Date.now();`, report: '' },
  'core/random.ts': { code: `export const chance = Math.random();`, report: '' },
  'model/cycle.ts': { code: `import { b } from './back.ts';\nexport const a = () => b;`, report: 'cycle' },
  'model/back.ts': { code: `import { a } from './cycle.ts';\nexport const b = () => a;`, report: 'cycle' },
  'model/say.ts': { code: `console.log('hello');`, report: 'console' },
  'mesh/downward.ts': { code: `import { compose } from '../model/service.ts';`, report: '' },
};

/** Rules that look at the house as a whole; the samples are too small to please all others. */
const houseRules = ['no-restricted-', 'no-cycle', 'no-console'];

describe('the lint rules of the house', () => {
  let house: string;
  let reports: { filename: string; code: string; message: string; help: string }[];

  beforeAll(async () => {
    house = await mkdtemp(join(tmpdir(), 'inmesh-floors-'));
    await cp(join(root, 'oxlint.config.ts'), join(house, 'oxlint.config.ts'));
    await writeFile(join(house, 'package.json'), '{"type":"module"}');
    await symlink(join(root, 'node_modules'), join(house, 'node_modules'));
    for (const [path, { code }] of Object.entries(samples)) {
      await mkdir(join(house, 'src', dirname(path)), { recursive: true });
      await writeFile(join(house, 'src', path), `${code}\n`);
    }
    const oxlint = join(root, 'node_modules/oxlint/bin/oxlint');
    const lint = spawnSync(process.execPath, [oxlint, '--format=json', 'src'], { cwd: house, encoding: 'utf8' });
    reports = (JSON.parse(lint.stdout) as { diagnostics: typeof reports }).diagnostics;
  });

  afterAll(() => rm(house, { recursive: true, force: true }));

  it.each(Object.entries(samples))('judge %s rightly', (path, { report }) => {
    const found = reports
      .filter(({ filename }) => filename.replaceAll('\\', '/').endsWith(`src/${path}`))
      .filter(({ code }) => houseRules.some((rule) => code.includes(rule)))
      .map(({ message, help }) => `${message} ${help}`);
    expect(found).toHaveLength(report === '' ? 0 : 1);
    expect(found.join()).toContain(report);
  });
});

/** What is wrong with the imports of `source`, a file at `path` beneath `src`: also `import()`, which lint overlooks. */
function faults(path: string, source: string): string[] {
  const place = placeOf(path);
  if (place.floor < 0) return [`${path}: the folder ${place.folder} is on no floor; add it to oxlint.config.ts`];
  const imported = ts.preProcessFile(source, true, true).importedFiles.map(({ fileName }) => fileName);
  return imported
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => ({ specifier, target: placeOf(relative('/src', resolve('/src', dirname(path), specifier))) }))
    .filter(({ target }) => target.folder !== place.folder && target.floor >= place.floor)
    .map(({ specifier }) => `${path}: imports ${specifier}`);
}

function placeOf(path: string): { folder: string; floor: number } {
  const [folder, ...rest] = path.split('/') as [string, ...string[]];
  if (rest.length === 0) return { folder: '', floor: floors.length };
  return { folder, floor: floors.findIndex((folders) => folders.includes(folder)) };
}

describe('src', () => {
  it('imports only downward, dynamic imports included', async () => {
    const found: string[] = [];
    for await (const path of glob('**/*.ts', { cwd: join(root, 'src') })) {
      found.push(...faults(path, await readFile(join(root, 'src', path), 'utf8')));
    }
    expect(found).toEqual([]);
  });

  it('reads the current date nowhere but in core/clock.ts', async () => {
    const found: string[] = [];
    for await (const path of glob('**/*.ts', { cwd: join(root, 'src') })) {
      const source = await readFile(join(root, 'src', path), 'utf8');
      if (path !== 'core/clock.ts' && readsDate(source)) found.push(path);
    }
    expect(found).toEqual([]);
  });

  it('has no median file above 120 lines and no long tail: nine in ten stay under 250', async () => {
    const lengths: number[] = [];
    for await (const path of glob('**/*.ts', { cwd: join(root, 'src') })) {
      lengths.push((await readFile(join(root, 'src', path), 'utf8')).split('\n').length);
    }
    lengths.sort((a, b) => a - b);
    expect(lengths[Math.floor(lengths.length / 2)]).toBeLessThanOrEqual(120);
    expect(lengths[Math.floor(lengths.length * 0.9)]).toBeLessThan(250);
  });
});

function readsDate(source: string): boolean {
  return /\bnew Date(\(\s*\)|(?!\s*[\w(<]))|\bDate\(\s*\)/.test(source);
}

describe('the checks above', () => {
  it.each([
    ['model/call.ts', `const later = await import('../mesh/mesh.ts');`],
    ['resolver/dns.ts', `export { pick } from '../balancer/index.ts';`],
    ['mesh/mesh.ts', `import { createMesh } from '../index.ts';`],
    ['attic/box.ts', ''],
  ])('would find a fault in %s that holds: %s', (path, source) => {
    expect(faults(path, source)).toHaveLength(1);
  });

  it.each([
    ['index.ts', `export { createMesh } from './mesh/mesh.ts';`],
    ['mesh/mesh.ts', `import { one } from './one.ts'; import { two } from '../core/two.ts'; import 'undici';`],
  ])('find none in %s that holds: %s', (path, source) => {
    expect(faults(path, source)).toEqual([]);
  });

  it('would find a date that is read', () => {
    expect(['new Date()', 'Date()', 'const now = new Date;'].filter(readsDate)).toHaveLength(3);
    expect(['new Date(0)', 'Date.parse(text)', 'Date.UTC(2026, 0)'].filter(readsDate)).toHaveLength(0);
  });
});
