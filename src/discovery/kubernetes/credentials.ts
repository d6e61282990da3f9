import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../core/log.ts';
import type { KubernetesSettings } from '../../mesh/options/index.ts';
import { Fault } from '../../resolver/index.ts';
import type { Access, AccessSource } from './access.ts';

const MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** What a pod is given: an account's token, the cluster's authority, the namespace. `mount` is another directory in tests. */
export function serviceAccount(log: Logger, env: NodeJS.ProcessEnv = process.env, mount: string = MOUNT): AccessSource {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT_HTTPS'] ?? env['KUBERNETES_SERVICE_PORT'] ?? '443';
  const guard = new TokenFile(join(mount, 'token'), log);
  return {
    name: 'the service account of this pod',
    async read() {
      if (host === undefined || host === '') {
        throw new Fault(
          'NO_CLUSTER',
          'this process runs in no Kubernetes pod (KUBERNETES_SERVICE_HOST is not set); give kubernetes: { server, … } or kubernetes: { kubeconfig }',
        );
      }
      const [token, ca, namespace] = await Promise.all([
        guard.read(),
        textOf(join(mount, 'ca.crt')),
        textOf(join(mount, 'namespace')),
      ]);
      return {
        server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
        token,
        headers: {},
        tls: { ca },
        namespace: namespace.trim(),
      };
    },
    refused() {},
  };
}

/** What the options say; files are read anew each time. */
export function givenAccess(given: KubernetesSettings, log: Logger): AccessSource {
  const file = given.tokenFile === undefined ? undefined : new TokenFile(given.tokenFile, log);
  return {
    name: given.server!,
    async read(): Promise<Access> {
      const [token, ca, cert, key] = await Promise.all([
        file === undefined ? given.token : file.read(),
        pemOf(given.ca),
        pemOf(given.cert),
        pemOf(given.key),
      ]);
      return {
        server: given.server!,
        token,
        headers: given.headers ?? {},
        tls: { ca, cert, key },
        namespace: given.namespace ?? 'default',
      };
    },
    refused() {},
  };
}

/** A file with a token, which whoever issues tokens replaces before they expire. */
class TokenFile {
  readonly #path: string;
  readonly #log: Logger;
  #warned = false;

  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
  }

  async read(): Promise<string> {
    const token = (await textOf(this.#path)).trim();
    if (token === '') throw new Fault('NO_TOKEN', `the token file ${this.#path} is empty`);
    if (/[^\x21-\x7e]/.test(token)) throw new Fault('NO_TOKEN', `the token file ${this.#path} holds no token`);
    if (!this.#warned && process.platform !== 'win32' && ((await stat(this.#path)).mode & 0o002) !== 0) {
      this.#warned = true;
      const message = `Everybody on this host may write the token file ${this.#path}; take that right away`;
      this.#log.warn({ code: 'INMESH_TOKEN_FILE' }, message);
    }
    return token;
  }
}

/** PEM itself, or the path of a PEM file. */
async function pemOf(given: string | Uint8Array | undefined): Promise<string | undefined> {
  if (given === undefined) return undefined;
  if (typeof given !== 'string') return Buffer.from(given).toString();
  return given.includes('-----BEGIN') ? given : await textOf(given);
}

/** @throws Fault with the code of the file system. */
export async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code = 'UNREADABLE' } = error as NodeJS.ErrnoException;
    throw new Fault(code, `${path} cannot be read (${code})`, error);
  }
}
