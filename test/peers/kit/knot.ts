import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, type Peer, pathOf, peerFolder, startPeer } from './peer.ts';

const run = promisify(execFile);

/** Knot DNS, authoritative for the zones of a test. */
export interface Knot {
  /** For `?server=`. */
  readonly server: string;
  /** Changes records while it runs, by dynamic update (RFC 2136): `add orders 1 A 127.0.0.2`, `delete orders A`. */
  update(zone: string, ...changes: string[]): Promise<void>;
  /** Lets a zone expire: it is answered with SERVFAIL until `reload`. */
  expire(zone: string): Promise<void>;
  reload(): Promise<void>;
  /** Ends the process but keeps its zones; `start` brings it back on the same port. */
  halt(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts Knot with `zones`: the records of each beneath its name, such as `orders 1 A 127.0.0.1`. */
export async function startKnot(zones: Readonly<Record<string, readonly string[]>>): Promise<Knot> {
  const port = await freePort();
  const folder = await peerFolder('knot');
  const config = join(folder.path, 'knot.conf');
  const socket = join(folder.path, 'knot.sock');
  const control = (...args: string[]): Promise<unknown> => run(pathOf('knotc'), ['-s', socket, ...args]);
  await mkdir(join(folder.path, 'db'));
  for (const [zone, records] of Object.entries(zones)) {
    await writeFile(join(folder.path, `${zone}.zone`), zoneFile(zone, records));
  }
  await writeFile(config, configuration(folder.path, port, Object.keys(zones)));
  let peer: Peer = await startPeer('knotd', ['-c', config], port);
  return {
    server: `127.0.0.1:${port}`,
    async update(zone, ...changes) {
      const lines = changes.map((change) => `update ${change}`).join('\n');
      await feed(
        pathOf('knsupdate'),
        `server 127.0.0.1 ${port}\nzone ${zone}.\norigin ${zone}.\n${lines}\nsend\nanswer\n`,
      );
    },
    expire: async (zone) => void (await control('-f', 'zone-purge', zone, '+expire')),
    reload: async () => void (await control('reload')),
    halt: () => peer.stop(),
    async start() {
      peer = await startPeer('knotd', ['-c', config], port);
    },
    async stop() {
      await peer.stop();
      await folder.remove();
    },
  };
}

function zoneFile(zone: string, records: readonly string[]): string {
  const head = [`$ORIGIN ${zone}.`, '$TTL 1', `@ SOA ns admin 1 60 60 600 1`, '@ NS ns', 'ns A 127.0.0.1'];
  return `${[...head, ...records].join('\n')}\n`;
}

function configuration(path: string, port: number, zones: readonly string[]): string {
  return `
server:
  rundir: ${path}
  listen: 127.0.0.1@${port}
control:
  listen: ${join(path, 'knot.sock')}
log:
  - target: stderr
    any: info
database:
  storage: ${join(path, 'db')}
acl:
  - id: update
    address: 127.0.0.1
    action: update
template:
  - id: default
    storage: ${path}
    acl: update
zone:
${zones.map((zone) => `  - domain: ${zone}\n    file: ${zone}.zone\n`).join('')}`;
}

async function feed(command: string, input: string): Promise<void> {
  const child = spawn(command, { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0 || /status: (?!NOERROR)/.test(said)) throw new Error(`The update was refused:\n${input}\n${said}`);
}
