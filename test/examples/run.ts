import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';

export const root: string = resolve(import.meta.dirname, '../..');

const hook = join(import.meta.dirname, 'from-source.ts');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a script in a process of its own, with `inmesh` from the sources; settles when all that held its output, children
 * included, is gone. `signal` is sent as soon as its output contains `after`.
 */
export async function run(
  script: string,
  args: readonly string[] = [],
  interrupt?: { readonly after: string; readonly signal: NodeJS.Signals },
): Promise<Ended> {
  const { FORCE_COLOR: _force, ...env } = process.env;
  const child = spawn(process.execPath, ['--import', hook, script, ...args], {
    cwd: root,
    env: { ...env, NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  let sent = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (interrupt === undefined || sent || !stdout.includes(interrupt.after)) return;
    sent = true;
    child.kill(interrupt.signal);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close', { signal: AbortSignal.timeout(50_000) }).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw new Error(`${script} did not end in time.\n${stdout}${stderr}`, { cause: error });
  })) as [number | null];
  return { code, stdout, stderr };
}
