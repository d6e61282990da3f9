import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const root: string = resolve(import.meta.dirname, '../..');

/** A copy of the house with a fresh `dist`, so that what is tested is what is built from the sources as they are. */
export async function stage(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'inmesh-stage-'));
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true });
  const entries = ['src', 'test', 'docs', 'package.json', 'LICENSE', 'README.md', 'CHANGELOG.md', '.gitignore'];
  const present = entries.filter((name) => existsSync(join(root, name)));
  await Promise.all(present.map((name) => cp(join(root, name), join(path, name), { recursive: true })));
  await symlink(join(root, 'node_modules'), join(path, 'node_modules'));
  const dist = join(path, 'dist');
  const steps = [
    ['@typescript/native/bin/tsc', '-p', 'tsconfig.build.json', '--emitDeclarationOnly', '--outDir', dist],
    ['rolldown/bin/cli.mjs', '-c', '--log-level', 'warn', '--dir', dist],
  ];
  for (const [bin, ...args] of steps) {
    const step = spawnSync(process.execPath, [join(root, 'node_modules', bin!), ...args], {
      cwd: root,
      encoding: 'utf8',
    });
    if (step.status === 0) continue;
    await remove();
    throw new Error(`The build failed; run npm run build.\n${step.stdout}${step.stderr}`);
  }
  return { path, remove };
}
