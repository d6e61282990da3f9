import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What holds each command, on Debian and Ubuntu. */
const packages: Record<string, string> = {
  knotd: 'knot',
  knotc: 'knot',
  knsupdate: 'knot-dnsutils',
  nginx: 'nginx-light',
  haproxy: 'haproxy',
  nghttpd: 'nghttp2-server',
  openssl: 'openssl',
  ip: 'iproute2',
};

/** Where `command` is; a path is taken as it is. @throws with what to install: a peer that is missing is a failure, not a reason to skip. */
export function pathOf(command: string): string {
  if (command.startsWith('/')) return command;
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  for (const folder of folders) {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return join(folder, command);
    } catch {
      // Not here.
    }
  }
  throw new Error(`${command} is not installed; run: apt-get install ${packages[command] ?? command}`);
}

/** A real server that runs as a child of the tests. */
export interface Peer {
  /** All that it has said so far. */
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** Ends it and waits until it is gone: politely, or at once with `SIGKILL`. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a server and waits until it listens on `port` of 127.0.0.1. */
export async function startPeer(command: string, args: readonly string[], port: number): Promise<Peer> {
  const child = spawn(pathOf(command), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  const gone = once(child, 'exit');
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  const peer: Peer = {
    output: () => said,
    signal: (name) => void child.kill(name),
    async stop(signal = 'SIGTERM') {
      if (!running()) return;
      child.kill(signal);
      const impatience = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await gone;
      clearTimeout(impatience);
    },
  };
  await until(async () => {
    if (!running()) throw new Error(`${command} ended at once:\n${said}`);
    return accepts(port);
  }, `${command} to listen on ${port}`);
  return peer;
}

/** Waits for something to become true. */
export async function until(check: () => boolean | Promise<boolean>, what: string, patience = 10_000): Promise<void> {
  const end = performance.now() + patience;
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`Waited ${patience} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** A port of 127.0.0.1 on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A folder for one peer's files. */
export async function peerFolder(name: string): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), `inmesh-${name}-`));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
