import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** How a child process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** A script of this folder in a process of its own. What it tells comes as messages of one word and a value. */
export class Child {
  readonly process: ChildProcess;
  /** Settles when it has ended, whoever ended it. */
  readonly ended: Promise<Ending>;
  readonly #told: Map<string, unknown> = new Map();
  #wake: () => void = () => {};

  private constructor(command: string, args: readonly string[]) {
    this.process = spawn(command, args, { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
    let stderr = '';
    this.process.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    this.process.on('message', ([word, value]: [string, unknown]) => {
      this.#told.set(word, value);
      this.#wake();
    });
    this.ended = once(this.process, 'close').then((args) => {
      const [code, signal] = args as [number | null, NodeJS.Signals | null];
      this.#wake();
      return { code, signal, stderr };
    });
  }

  /** Starts `script` with `args`; `flags` are Node's own, `files` is the number of files that it may open. */
  static start(
    script: string,
    args: readonly unknown[] = [],
    { flags = [], files }: { flags?: readonly string[]; files?: number } = {},
  ): Child {
    const path = fileURLToPath(new URL(script, import.meta.url));
    const node = [process.execPath, ...flags, path, ...args.map((arg) => JSON.stringify(arg))];
    if (files === undefined) return new Child(node[0]!, node.slice(1));
    return new Child('bash', ['-c', `ulimit -n ${files} && exec "$@"`, 'bash', ...node]);
  }

  /** The value that it tells with `word`, once it does. */
  async told<Value>(word: string): Promise<Value> {
    while (!this.#told.has(word)) {
      if (!this.process.connected && this.process.exitCode !== null) {
        throw new Error(`The child ended before it told ${word}: ${(await this.ended).stderr}`);
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#told.get(word) as Value;
  }

  /** Ends it. */
  async stop(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }
}

/** In a child: tells the process that started it. */
export function tell(word: string, value: unknown = true): void {
  process.send!([word, value]);
}

/** In a child: what it was started with. */
export function given<Args extends unknown[]>(): Args {
  return process.argv.slice(2).map((arg) => JSON.parse(arg) as unknown) as Args;
}
