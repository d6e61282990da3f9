import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createEnv } from '../../src/core/env.ts';
import { silentLogger } from '../../src/core/log.ts';
import { Cluster } from '../../src/discovery/kubernetes/cluster.ts';
import { givenAccess, serviceAccount } from '../../src/discovery/kubernetes/credentials.ts';
import { kubeconfigAccess } from '../../src/discovery/kubernetes/kubeconfig.ts';
import { placeOf } from '../../src/discovery/kubernetes/place.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { ApiServer, slice } from '../kit/apiserver.ts';
import { Authority } from '../kit/certificates.ts';
import { kindOf, watching } from '../resolver/kit.ts';
import { resolverTo } from './kit.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'inmesh-k8s-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

describe('the service account of a pod', () => {
  function mount(files: Record<string, string>): string {
    const path = folder();
    for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
    return path;
  }
  const inPod = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };

  it('is read from its files, anew each time', async () => {
    const path = mount({ token: 'one\n', 'ca.crt': 'CA-1', namespace: 'shop' });
    const source = serviceAccount(silentLogger, inPod, path);
    expect(await source.read()).toEqual({
      server: 'https://10.0.0.1:443',
      token: 'one',
      headers: {},
      tls: { ca: 'CA-1' },
      namespace: 'shop',
    });
    writeFileSync(join(path, 'token'), 'two');
    writeFileSync(join(path, 'ca.crt'), 'CA-2');
    expect(await source.read()).toMatchObject({ token: 'two', tls: { ca: 'CA-2' } });
  });

  it('has IPv6 addresses of the server in brackets', async () => {
    const path = mount({ token: 'one', 'ca.crt': 'CA', namespace: 'shop' });
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT_HTTPS: '6443' };
    expect((await serviceAccount(silentLogger, env, path).read()).server).toBe('https://[fd00::1]:6443');
  });

  it.each<[NodeJS.ProcessEnv, Record<string, string>, string, string]>([
    [{}, {}, 'NO_CLUSTER', 'runs in no Kubernetes pod'],
    [inPod, {}, 'ENOENT', 'cannot be read (ENOENT)'],
    [inPod, { token: '', 'ca.crt': 'CA', namespace: 'shop' }, 'NO_TOKEN', 'is empty'],
    [inPod, { token: 'a\u0000b', 'ca.crt': 'CA', namespace: 'shop' }, 'NO_TOKEN', 'holds no token'],
  ])('where it is not there or of no use, that is said (%o)', async (env, files, kind, text) => {
    const reading = serviceAccount(silentLogger, env, mount(files)).read();
    await expect(reading).rejects.toMatchObject({ kind, message: expect.stringContaining(text) as string });
  });

  it('is asked for its namespace until there is one', async () => {
    const clock = new ManualClock();
    const env = createEnv({ clock, log: silentLogger });
    const path = folder();
    const cluster = new Cluster(serviceAccount(silentLogger, inPod, path), env);
    const orders = watching(resolverTo(cluster, 'k8s://orders', env));
    onTestFinished(() => orders.stop());
    const turn = (): Promise<void> => new Promise((done) => setTimeout(done, 5));
    await turn();
    expect(kindOf(orders.last)).toBe('ENOENT');
    const api = await ApiServer.start();
    onTestFinished(() => api.close());
    for (const [name, text] of Object.entries({ token: 't', 'ca.crt': '', namespace: 'shop' })) {
      writeFileSync(join(path, name), text);
    }
    for (let step = 0; step < 60 && kindOf(orders.last) === 'ENOENT'; step++) {
      await clock.advance(100);
      await turn();
    }
    // Nobody listens at 10.0.0.1 here; it was the namespace that was wanting.
    await expect(cluster.api.namespace()).resolves.toBe('shop');
  });
});

describe('the place of a pod', () => {
  it('comes from the downward API', () => {
    expect(placeOf({ INMESH_ZONE: 'eu-1a', INMESH_NODE: 'n1', NODE_NAME: 'n2' })).toEqual({
      zone: 'eu-1a',
      node: 'n1',
    });
    expect(placeOf({ NODE_NAME: 'n2', INMESH_ZONE: '' })).toEqual({ zone: undefined, node: 'n2' });
    expect(placeOf({})).toEqual({ zone: undefined, node: undefined });
  });
});

describe('a kubeconfig', () => {
  const base = {
    'current-context': 'dev',
    contexts: [{ name: 'dev', context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
    clusters: [{ name: 'c', cluster: { server: 'https://api.test:6443' } }],
    users: [{ name: 'u', user: {} }],
  };
  const withUser = (user: object): object => ({ ...base, users: [{ name: 'u', user }] });
  const withCluster = (cluster: object): object => ({ ...base, clusters: [{ name: 'c', cluster }] });
  const clock = new ManualClock();

  function source(
    content: object | string,
    namespace?: string,
  ): ReturnType<typeof kubeconfigAccess> & { path: string } {
    const path = join(folder(), 'config');
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return { ...kubeconfigAccess(path, namespace, clock), path };
  }

  it('gives the server, token and namespace of its current context', async () => {
    expect(await source(withUser({ token: 'secret' })).read()).toMatchObject({
      server: 'https://api.test:6443',
      token: 'secret',
      namespace: 'shop',
    });
    expect((await source(base, 'other').read()).namespace).toBe('other');
  });

  it('is read as YAML too', async () => {
    const yaml = `
apiVersion: v1
kind: Config
current-context: dev
contexts: [{ name: dev, context: { cluster: c, user: u } }]
clusters:
  - name: c
    cluster:
      server: https://api.test:6443
      certificate-authority-data: ${Buffer.from('THE CA').toString('base64')}
users: [{ name: u, user: { token: secret } }]
`;
    expect(await source(yaml).read()).toEqual({
      server: 'https://api.test:6443',
      token: 'secret',
      headers: {},
      tls: { ca: 'THE CA', cert: undefined, key: undefined, servername: undefined },
      namespace: 'default',
    });
  });

  it('gives client certificates from data and from files beside it', async () => {
    const data = (text: string): string => Buffer.from(text).toString('base64');
    const inline = source(withUser({ 'client-certificate-data': data('CERT'), 'client-key-data': data('KEY') }));
    expect((await inline.read()).tls).toMatchObject({ cert: 'CERT', key: 'KEY' });
    const beside = source(
      withUser({ 'client-certificate': 'pki/c.pem', 'client-key': 'pki/k.pem', tokenFile: 'pki/t' }),
    );
    mkdirSync(join(beside.path, '../pki'));
    for (const name of ['c.pem', 'k.pem', 't']) writeFileSync(join(beside.path, '../pki', name), `${name}\n`);
    expect(await beside.read()).toMatchObject({ token: 't', tls: { cert: 'c.pem\n', key: 'k.pem\n' } });
  });

  it('runs a credential plugin once, and again when its answer expires or is refused', async () => {
    const directory = folder();
    const log = join(directory, 'log');
    const plugin = join(directory, 'plugin');
    const expires = new Date(clock.wallTime() + 3_600_000).toISOString();
    writeFileSync(
      plugin,
      `#!/bin/sh
echo "$1 $STAGE $KUBERNETES_EXEC_INFO" >> ${log}
echo '{"kind":"ExecCredential","status":{"expirationTimestamp":"${expires}","token":"token-'$(wc -l < ${log} | tr -d ' ')'"}}'
`,
    );
    chmodSync(plugin, 0o755);
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: plugin,
      args: ['get-token'],
      env: [{ name: 'STAGE', value: 'dev' }],
    };
    const own = source(withUser({ exec }));
    expect((await own.read()).token).toBe('token-1');
    expect((await own.read()).token).toBe('token-1');
    own.refused();
    expect((await own.read()).token).toBe('token-2');
    await clock.advance(3_600_000);
    expect((await own.read()).token).toBe('token-3');
    const { readFileSync } = await import('node:fs');
    expect(readFileSync(log, 'utf8')).toMatch(/^get-token dev \{"apiVersion":"client\.authentication\.k8s\.io\/v1"/);
  });

  it.each([
    ['{', 'INVALID', 'cannot be parsed'],
    ['just text', 'INVALID', 'is no kubeconfig'],
    [{ ...base, 'current-context': 'prod' }, 'INVALID', 'has no context "prod"'],
    [{ ...base, clusters: [] }, 'INVALID', 'has no cluster "c"'],
    [withCluster({}), 'INVALID', 'names no server'],
    [withCluster({ server: 'https://a', 'insecure-skip-tls-verify': true }), 'INVALID', 'insecure-skip-tls-verify'],
    [withCluster({ server: 'https://a', 'proxy-url': 'http://p' }), 'INVALID', 'proxy-url'],
    [withUser({ username: 'a', password: 'b' }), 'INVALID', 'user name and password'],
    [withUser({ 'auth-provider': {} }), 'INVALID', 'use an exec plugin'],
    [withUser({ exec: { command: './missing', installHint: 'Install it.' } }), 'EXEC_PLUGIN', 'Install it.'],
    [withUser({ exec: { command: 'false' } }), 'EXEC_PLUGIN', 'the credential plugin false failed'],
    [withUser({ exec: { command: 'echo', args: ['secret'] } }), 'EXEC_PLUGIN', 'printed what is no JSON'],
    [withUser({ exec: { command: 'echo', args: ['{"status":{}}'] } }), 'EXEC_PLUGIN', 'neither token nor certificate'],
  ])('what cannot be used is said (%j)', async (content, kind, text) => {
    await expect(source(content).read()).rejects.toMatchObject({
      kind,
      message: expect.stringContaining(text) as string,
    });
  });
});

describe('TLS with the API server', () => {
  it('trusts the given authority alone, follows its change, and names the field where it does not fit', async () => {
    const [first, second] = await Promise.all([Authority.create('CN=one'), Authority.create('CN=two')]);
    const path = join(folder(), 'ca.crt');
    writeFileSync(path, second.cert);
    const api = await ApiServer.start({ tls: await first.issue({ names: ['localhost'] }) });
    onTestFinished(() => api.close());
    api.apply(slice('a', ['10.0.0.1']));
    const clock = new ManualClock();
    const env = createEnv({ clock, log: silentLogger });
    const cluster = new Cluster(givenAccess({ server: `https://localhost:${api.port}`, ca: path }, silentLogger), env);
    const orders = watching(resolverTo(cluster, 'k8s://shop/orders', env));
    onTestFinished(() => orders.stop());
    const until = async (done: () => boolean): Promise<void> => {
      for (let step = 0; step < 500 && !done(); step++) {
        await clock.advance(100);
        await new Promise((turn) => setTimeout(turn, 3));
      }
    };
    await until(() => orders.last !== undefined);
    expect(kindOf(orders.last)).toBe('TLS');
    expect(orders.last!.error!.message).toContain('check kubernetes.ca');
    writeFileSync(path, first.cert);
    await until(() => orders.last?.state === 'fresh');
    expect(orders.addresses).toEqual(['10.0.0.1:80']);
  });
});
