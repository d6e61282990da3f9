import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, peerFolder, startPeer } from './peer.ts';

/** A server whose configuration can be loaded anew while it serves. */
export interface Reloadable {
  readonly port: number;
  /** Loads its configuration anew: new workers take over, old ones finish and go. */
  reload(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts nginx. Its answers name the generation of its configuration, which every reload raises. */
export async function startNginx(options: { listen?: string; server?: string } = {}): Promise<Reloadable> {
  const port = await freePort();
  const folder = await peerFolder('nginx');
  const config = join(folder.path, 'nginx.conf');
  let generation = 1;
  const write = (): Promise<void> => writeFile(config, configuration(folder.path, port, generation, options));
  await mkdir(join(folder.path, 'temp'));
  await write();
  const peer = await startPeer('nginx', ['-e', 'stderr', '-p', folder.path, '-c', config], port);
  return {
    port,
    async reload() {
      generation++;
      await write();
      peer.signal('SIGHUP');
    },
    async stop() {
      await peer.stop();
      await folder.remove();
    },
  };
}

function configuration(
  path: string,
  port: number,
  generation: number,
  { listen = '', server = '' }: { listen?: string; server?: string },
): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
user root;
daemon off;
worker_processes 2;
pid ${join(path, 'nginx.pid')};
error_log stderr warn;
events {}
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${join(path, 'temp', name)};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port} ${listen};
    ${server}
    location / { return 200 "nginx ${generation}"; }
  }
}
`;
}
