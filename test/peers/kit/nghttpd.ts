import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, pathOf, type Peer, peerFolder, startPeer } from './peer.ts';

/** nghttpd, the HTTP/2 server of the reference implementation. It serves `/` with the text `nghttpd`. */
export interface Nghttpd {
  readonly port: number;
  /** The certificate to trust, where it speaks TLS; made out to the name `orders`. */
  readonly ca: string | undefined;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts nghttpd, on a free port unless one is given, on clear text unless `tls`; `args` are more of its own. */
export async function startNghttpd(
  options: { tls?: boolean; args?: readonly string[]; port?: number } = {},
): Promise<Nghttpd> {
  const port = options.port ?? (await freePort());
  const folder = await peerFolder('nghttpd');
  const [key, cert] = [join(folder.path, 'key.pem'), join(folder.path, 'cert.pem')];
  await writeFile(join(folder.path, 'index.html'), 'nghttpd');
  if (options.tls === true) await certify('orders', key, cert);
  const transport = options.tls === true ? [String(port), key, cert] : ['--no-tls', String(port)];
  const args = ['-a', '127.0.0.1', '-d', folder.path, ...(options.args ?? []), ...transport];
  const peer: Peer = await startPeer('nghttpd', args, port);
  return {
    port,
    ca: options.tls === true ? await readFile(cert, 'utf8') : undefined,
    async stop(signal) {
      await peer.stop(signal);
      await folder.remove();
    },
  };
}

async function certify(name: string, key: string, cert: string): Promise<void> {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  await promisify(execFile)(pathOf('openssl'), ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert]);
}
