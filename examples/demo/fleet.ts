/** The backends, each a child process, and what can be done to them. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Mode } from './backend.ts';

interface Backend {
  readonly child: ChildProcess;
  readonly port: number;
  expectedToEnd: boolean;
}

export class Fleet {
  readonly #backends = new Map<string, Backend>();
  /** Told once, if a backend ends that nobody killed. */
  onLoss: (name: string) => void = () => {};

  /** Starts one backend for each name, on ports that the system chooses. */
  static async start(names: readonly string[]): Promise<Fleet> {
    const fleet = new Fleet();
    try {
      await Promise.all(names.map((name) => fleet.#start(name)));
    } catch (error) {
      await fleet.stop();
      throw error;
    }
    return fleet;
  }

  async #start(name: string): Promise<void> {
    const child = fork(new URL('./backend.ts', import.meta.url), [name], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const backend: Backend = { child, port: 0, expectedToEnd: false };
    this.#backends.set(name, backend);
    const [port] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) => Promise.reject(new Error(`${name} ended with ${code} as it started`))),
    ])) as [number];
    this.#backends.set(name, Object.assign(backend, { port }));
    child.once('exit', () => {
      if (!backend.expectedToEnd) this.onLoss(name);
    });
  }

  portOf(name: string): number {
    return this.#get(name).port;
  }

  /** Whose address `127.0.0.1:port` is. */
  nameOf(address: string): string {
    const port = Number(address.slice(address.lastIndexOf(':') + 1));
    for (const [name, backend] of this.#backends) if (backend.port === port) return name;
    return address;
  }

  /** Ends a backend as a crash or the kernel's out-of-memory killer does: no goodbye, connections cut. */
  kill(name: string): void {
    const backend = this.#get(name);
    backend.expectedToEnd = true;
    backend.child.kill('SIGKILL');
  }

  tell(name: string, mode: Mode): void {
    this.#get(name).child.send(mode);
  }

  /** Ends all of them, and waits until they are gone. */
  async stop(): Promise<void> {
    await Promise.all(
      [...this.#backends.values()].map(async (backend) => {
        const { child } = backend;
        backend.expectedToEnd = true;
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }),
    );
  }

  #get(name: string): Backend {
    const backend = this.#backends.get(name);
    if (backend === undefined) throw new RangeError(`There is no backend ${name}`);
    return backend;
  }
}
