import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Authority } from '../../../kit/certificates.ts';
import { freePort, type Peer, peerFolder, startPeer, until } from '../../kit/peer.ts';
import { ADMIN_TOKEN, Admin } from './admin.ts';
import { type Asked, auditOf, AUDIT_POLICY } from './audit.ts';

const SCRIPT = join(import.meta.dirname, '../build.sh');

/** Where kube-apiserver, kubectl and etcd are. @throws with what builds them. */
export function binaries(): string {
  const path = execFileSync(SCRIPT, ['--where'], { encoding: 'utf8' }).trim();
  for (const name of ['etcd', 'kube-apiserver', 'kubectl']) {
    if (!existsSync(join(path, name))) throw new Error(`${name} is not built; run: bash ${SCRIPT}`);
  }
  return path;
}

/** A real Kubernetes API server on etcd; without controllers, so that Services and slices are as the tests write them. */
export interface ApiServer {
  readonly url: string;
  readonly port: number;
  readonly authority: Authority;
  /** The file with the authority's certificate. */
  readonly ca: string;
  /** Where the tests may put files. */
  readonly folder: string;
  /** What service account tokens are signed with, PEM. */
  readonly signingKey: string;
  readonly admin: Admin;
  /** What `user` asked for so far, as the audit log has it. */
  asked(user: string): Promise<Asked[]>;
  /** Lets etcd forget everything but the present. */
  compact(): Promise<void>;
  /** Ends the API server but not etcd; `start` brings it back on the same port with the same data. */
  halt(signal?: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** @param args more flags of kube-apiserver. */
export async function startApiServer(...args: string[]): Promise<ApiServer> {
  const path = binaries();
  const { path: folder, remove } = await peerFolder('kubernetes');
  const [port, etcdPort, etcdPeerPort] = [await freePort(), await freePort(), await freePort()];
  const authority = await Authority.create();
  const identity = await authority.issue({ names: ['localhost'] });
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signingKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const files = {
    'ca.crt': authority.cert,
    'server.crt': identity.cert,
    'server.key': identity.key,
    'account.key': signingKey,
    'account.pub': keys.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    'tokens.csv': `${ADMIN_TOKEN},admin,admin,system:masters\n`,
    'audit.yaml': AUDIT_POLICY,
  };
  const file = (name: keyof typeof files | 'audit.log' | 'etcd' | 'certificates'): string => join(folder, name);
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text, { mode: 0o600 })));

  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const etcdPeerUrl = `http://127.0.0.1:${etcdPeerPort}`;
  const etcd = await startPeer(
    join(path, 'etcd'),
    [
      ['--data-dir', file('etcd')],
      ['--listen-client-urls', etcdUrl, '--advertise-client-urls', etcdUrl],
      ['--listen-peer-urls', etcdPeerUrl, '--initial-advertise-peer-urls', etcdPeerUrl],
      ['--initial-cluster', `default=${etcdPeerUrl}`, '--unsafe-no-fsync'],
    ].flat(),
    etcdPort,
  );
  const url = `https://localhost:${port}`;
  const admin = new Admin(url, authority.cert, signingKey);
  let peer: Peer | undefined;
  const start = async (): Promise<void> => {
    peer = await startPeer(
      join(path, 'kube-apiserver'),
      [
        `--etcd-servers=${etcdUrl}`,
        `--secure-port=${port}`,
        '--bind-address=127.0.0.1',
        '--advertise-address=127.0.0.1',
        '--endpoint-reconciler-type=none',
        `--cert-dir=${file('certificates')}`,
        `--tls-cert-file=${file('server.crt')}`,
        `--tls-private-key-file=${file('server.key')}`,
        `--client-ca-file=${file('ca.crt')}`,
        `--token-auth-file=${file('tokens.csv')}`,
        '--authorization-mode=RBAC',
        '--service-account-issuer=https://kubernetes.default.svc',
        `--service-account-key-file=${file('account.pub')}`,
        `--service-account-signing-key-file=${file('account.key')}`,
        '--service-cluster-ip-range=10.0.0.0/24',
        `--audit-policy-file=${file('audit.yaml')}`,
        `--audit-log-path=${file('audit.log')}`,
        ...args,
      ],
      port,
    );
    try {
      await until(() => admin.isReady(), 'the API server to be ready', 50_000);
    } catch (error) {
      throw new Error(`The API server does not start:\n${peer.output().slice(-4_000)}`, { cause: error });
    }
  };
  const halt = async (signal?: NodeJS.Signals): Promise<void> => {
    await peer?.stop(signal);
    peer = undefined;
  };
  const stop = async (): Promise<void> => {
    await halt('SIGKILL');
    await etcd.stop('SIGKILL');
    await remove();
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    port,
    authority,
    ca: file('ca.crt'),
    folder,
    signingKey,
    admin,
    asked: (user) => auditOf(file('audit.log'), user),
    async compact() {
      const { header } = await etcdCall(`${etcdUrl}/v3/maintenance/status`, {});
      await etcdCall(`${etcdUrl}/v3/kv/compaction`, { revision: header.revision, physical: true });
    },
    halt,
    start,
    stop,
  };
}

/** etcd's JSON door. */
async function etcdCall(url: string, body: unknown): Promise<{ header: { revision: string } }> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`etcd answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as { header: { revision: string } };
}
