import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { Fault } from '../../resolver/index.ts';
import type { Access, AccessSource } from './access.ts';
import { textOf } from './credentials.ts';
import { ExecPlugin, type ExecSettings } from './exec.ts';

interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly contexts?: readonly Named<'context', { cluster: string; user: string; namespace?: string }>[];
  readonly clusters?: readonly Named<'cluster', ClusterEntry>[];
  readonly users?: readonly Named<'user', UserEntry>[];
}

type Named<Key extends string, T> = { readonly name: string } & { readonly [K in Key]?: T };

interface ClusterEntry {
  readonly server?: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'tls-server-name'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'proxy-url'?: string;
}

interface UserEntry {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly username?: string;
  readonly 'auth-provider'?: unknown;
  readonly exec?: ExecSettings;
}

/** The current context of a kubeconfig, for development. The file is read anew each time, so `kubectl config use-context` is followed. */
export function kubeconfigAccess(given: string, namespace: string | undefined, clock: Clock): AccessSource {
  const path = resolve(given.replace(/^~(?=\/)/, homedir()));
  const plugin = new ExecPlugin(clock);
  return {
    name: path,
    async read(): Promise<Access> {
      const config = await parse(await textOf(path), path);
      const current = config['current-context'] ?? '';
      const context = entry(config.contexts, current, 'context', path);
      const cluster = entry(config.clusters, context.cluster, 'cluster', path);
      const user = entry(config.users, context.user, 'user', path);
      refuse(cluster, user, path);
      const from = (file: string | undefined): Promise<string | undefined> =>
        file === undefined ? Promise.resolve(undefined) : textOf(resolve(dirname(path), file));
      const [ca, cert, key, token, proof] = await Promise.all([
        decoded(cluster['certificate-authority-data']) ?? from(cluster['certificate-authority']),
        decoded(user['client-certificate-data']) ?? from(user['client-certificate']),
        decoded(user['client-key-data']) ?? from(user['client-key']),
        user.token ?? from(user.tokenFile),
        user.exec === undefined ? undefined : plugin.run(user.exec, dirname(path)),
      ]);
      return {
        server: cluster.server!,
        token: proof?.token ?? token?.trim(),
        headers: {},
        tls: { ca, cert: proof?.cert ?? cert, key: proof?.key ?? key, servername: cluster['tls-server-name'] },
        namespace: namespace ?? context.namespace ?? 'default',
      };
    },
    refused: () => plugin.forget(),
  };
}

/** JSON is read without help; for YAML the package `yaml` is loaded, if it is there. */
async function parse(text: string, path: string): Promise<Kubeconfig> {
  let content: unknown;
  try {
    content = text.trimStart().startsWith('{') ? JSON.parse(text) : (await yaml(path)).parse(text);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('INVALID', `${path} cannot be parsed: ${(error as Error).message.split('\n')[0]}`, error);
  }
  if (typeof content === 'object' && content !== null) return content;
  throw new Fault('INVALID', `${path} is no kubeconfig`);
}

async function yaml(path: string): Promise<typeof import('yaml')> {
  try {
    return await import('yaml');
  } catch (error) {
    const remedy = `npm install yaml, or make it JSON: kubectl config view --flatten -o json > kubeconfig.json`;
    throw new Fault('NO_YAML', `${path} is YAML, which takes the package yaml: ${remedy}`, error);
  }
}

function entry<Key extends string, T>(
  list: readonly Named<Key, T>[] | undefined,
  name: string,
  key: Key,
  path: string,
): T {
  const found = list?.find((item) => item.name === name)?.[key];
  if (found !== undefined && found !== null) return found;
  throw new Fault('INVALID', `${path} has no ${key} ${JSON.stringify(name)}`);
}

/** What is in the file and is not done here: better said than left out. */
function refuse(cluster: ClusterEntry, user: UserEntry, path: string): void {
  const problem =
    typeof cluster.server !== 'string'
      ? 'names no server'
      : cluster['insecure-skip-tls-verify'] === true
        ? 'says insecure-skip-tls-verify, which would show the token to anybody; give certificate-authority-data'
        : cluster['proxy-url'] !== undefined
          ? 'says proxy-url, which is not supported; use kubectl proxy and kubernetes: { server }'
          : user.username !== undefined
            ? 'has a user name and password, which Kubernetes no longer takes'
            : user['auth-provider'] !== undefined
              ? 'has an auth-provider, which Kubernetes no longer takes; use an exec plugin'
              : undefined;
  if (problem !== undefined) throw new Fault('INVALID', `${path} ${problem}`);
}

function decoded(base64: string | undefined): string | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString();
}
