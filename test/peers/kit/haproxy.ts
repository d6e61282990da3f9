import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reloadable } from './nginx.ts';
import { freePort, peerFolder, startPeer } from './peer.ts';

/** Starts haproxy in master-worker mode. Its answers name the generation of its configuration. */
export async function startHaproxy(bind = ''): Promise<Reloadable> {
  const port = await freePort();
  const folder = await peerFolder('haproxy');
  const config = join(folder.path, 'haproxy.cfg');
  let generation = 1;
  const write = (): Promise<void> => writeFile(config, configuration(port, generation, bind));
  await write();
  const peer = await startPeer('haproxy', ['-W', '-db', '-f', config], port);
  return {
    port,
    async reload() {
      generation++;
      await write();
      peer.signal('SIGUSR2');
    },
    async stop() {
      await peer.stop();
      await folder.remove();
    },
  };
}

function configuration(port: number, generation: number, bind: string): string {
  return `
global
  hard-stop-after 5s
defaults
  mode http
  timeout client 10s
  timeout connect 1s
  timeout server 10s
frontend front
  bind 127.0.0.1:${port} ${bind}
  http-request return status 200 content-type text/plain string "haproxy ${generation}"
`;
}
