import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createMesh, type KubernetesOptions } from '../../../src/index.ts';
import { Authority } from '../../kit/certificates.ts';
import { load, sleep } from '../kit/load.ts';
import { until } from '../kit/peer.ts';
import type { Watch } from '../kit/watch.ts';
import { ADMIN_TOKEN } from './kit/admin.ts';
import { newClient } from './kit/client.ts';
import { follow } from './kit/follow.ts';
import { type Gate, openGate } from './kit/gate.ts';
import { Pods } from './kit/pods.ts';
import { type ApiServer, binaries, startApiServer } from './kit/server.ts';

describe('credentials', { timeout: 90_000 }, () => {
  let api: ApiServer;
  let pods: Pods;
  const cleanups: (() => unknown)[] = [];

  const run = async (args: readonly string[]): Promise<void> => {
    const env = { ...process.env, KUBECONFIG: join(api.folder, 'kubectl.config') };
    await promisify(execFile)(join(binaries(), 'kubectl'), args, { env });
  };
  const kubectl = (...args: string[]): Promise<void> =>
    run([`--server=${api.url}`, `--certificate-authority=${api.ca}`, `--token=${ADMIN_TOKEN}`, ...args]);
  /** Runs the kubectl commands that a message prints. */
  const obey = async (message: string): Promise<void> => {
    const commands = message.split('\n').filter((line) => line.startsWith('  kubectl '));
    expect(commands).toHaveLength(2);
    for (const command of commands) await kubectl(...command.trim().split(' ').slice(1));
  };
  const following = (options: KubernetesOptions): Watch => {
    const watch = follow('k8s://shop/orders', options);
    cleanups.push(watch.stop);
    return watch;
  };
  const gate = async (): Promise<Gate> => {
    const opened = await openGate(api.port);
    cleanups.push(() => opened.close());
    return opened;
  };

  beforeAll(async () => {
    api = await startApiServer();
    await api.admin.addNamespace('shop');
    pods = new Pods(api.admin, 'shop', 'orders');
    await pods.add();
    await pods.add();
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  });
  afterAll(async () => {
    await pods?.stop();
    await api?.stop();
  });

  it('an account without rights is told the rule and the commands that apply it, which heal it as they are', async () => {
    const { options, user } = await newClient(api, 'shop', 'stranger');
    const watch = following(options);
    await watch.untilState('error');
    expect(watch.fault()).toBe('FORBIDDEN');
    expect(watch.message()).toContain(`${user} watch endpointslices in the namespace shop`);
    expect(watch.message()).toContain(
      '{ apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["get", "list", "watch"] }',
    );
    await obey(watch.message());
    await until(() => watch.state() === 'fresh', 'the account to be let in', 50_000);
    expect(watch.addresses()).toEqual(pods.addresses);
  });

  it('while an account has no rights the rest of a fall-back chain serves, then Kubernetes takes over', async () => {
    const { options } = await newClient(api, 'shop', 'chained');
    const [known, other] = [...pods.all];
    const mesh = createMesh({
      services: { orders: { target: ['k8s://shop/orders', `static://${known!.address}`] } },
      kubernetes: options,
    });
    cleanups.push(() => mesh.destroy());
    const before = other!.requests;
    const takeOver = async (): Promise<void> => {
      await until(() => known!.requests > 20, 'the chain to serve');
      expect(other!.requests).toBe(before);
      await api.admin.allow('shop', 'chained');
      await until(() => other!.requests > before + 20, 'Kubernetes to take over', 50_000);
    };
    const { failures, sent } = await load(mesh.fetch, 'http://orders/', 50, takeOver());
    expect(failures).toEqual({});
    expect(sent).toBeGreaterThan(40);
  });

  it('rights that are taken away leave the last good endpoints', async () => {
    const way = await gate();
    const { options } = await newClient(api, 'shop', 'demoted', way.url);
    await api.admin.allow('shop', 'demoted');
    const watch = following(options);
    await watch.untilAddresses(...pods.addresses);
    await kubectl('delete', 'rolebinding', 'demoted', '-n', 'shop');
    const token = await readFile(options.tokenFile!, 'utf8');
    await until(async () => (await api.admin.statusFor(token, 'shop')) === 403, 'the rights to be gone');
    await way.close();
    await way.open();
    await watch.untilState('stale');
    expect(watch.fault()).toBe('FORBIDDEN');
    expect(watch.addresses()).toEqual(pods.addresses);
  });

  it('a token expires while the watch goes on; once that is cut, the endpoints stay until the file has a new one', async () => {
    const way = await gate();
    const { options, renew } = await newClient(api, 'shop', 'shortlived', way.url);
    await api.admin.allow('shop', 'shortlived');
    const token = await api.admin.shortToken('shop', 'shortlived', 3);
    await renew(token);
    const watch = following(options);
    await watch.untilAddresses(...pods.addresses);
    // The API server remembers for 10 s that it has taken a token.
    const isRefused = async (): Promise<boolean> => (await api.admin.statusFor(token, 'shop')) === 401;
    await until(isRefused, 'the token to expire', 20_000);
    const newcomer = await pods.add();
    await watch.untilAddresses(...pods.addresses);
    await way.close();
    await way.open();
    await watch.untilState('stale');
    expect(watch.fault()).toBe('UNAUTHORIZED');
    expect(watch.addresses()).toEqual(pods.addresses);
    await pods.remove(newcomer);
    await renew(await api.admin.token('shop', 'shortlived'));
    await watch.untilState('fresh');
    await watch.untilAddresses(...pods.addresses);
  });

  it('a token that was renewed in time is the one that the next request brings', async () => {
    const way = await gate();
    const { options, renew, user } = await newClient(api, 'shop', 'renewed', way.url);
    await api.admin.allow('shop', 'renewed');
    const token = await api.admin.shortToken('shop', 'renewed', 3);
    await renew(token);
    const watch = following(options);
    await watch.untilAddresses(...pods.addresses);
    await renew(await api.admin.token('shop', 'renewed'));
    await until(async () => (await api.admin.statusFor(token, 'shop')) === 401, 'the old token to expire', 20_000);
    await way.close();
    await way.open();
    // The audit log has no requests whose token was refused: they are of no user.
    await until(async () => (await api.asked(user)).length >= 2, 'another watch');
    await sleep(500);
    expect(watch.snapshots).toHaveLength(1);
    expect(watch.state()).toBe('fresh');
  });

  it('an account that is deleted and made anew is let in with the token of the new one', async () => {
    const way = await gate();
    const { options, renew } = await newClient(api, 'shop', 'reborn', way.url);
    await api.admin.allow('shop', 'reborn');
    const watch = following(options);
    await watch.untilAddresses(...pods.addresses);
    const old = await readFile(options.tokenFile!, 'utf8');
    await kubectl('delete', 'serviceaccount', 'reborn', '-n', 'shop');
    await until(async () => (await api.admin.statusFor(old, 'shop')) === 401, 'the token to be void', 20_000);
    await way.close();
    await way.open();
    await watch.untilState('stale');
    expect(watch.fault()).toBe('UNAUTHORIZED');
    await api.admin.addAccount('shop', 'reborn');
    await renew(await api.admin.token('shop', 'reborn'));
    await watch.untilState('fresh');
    expect(watch.addresses()).toEqual(pods.addresses);
  });

  it('a client certificate makes a user, who is told what is missing like everybody else', async () => {
    const { cert, key } = await api.authority.issue();
    const watch = following({ server: api.url, ca: api.ca, cert, key });
    await watch.untilState('error');
    expect(watch.fault()).toBe('FORBIDDEN');
    await kubectl('delete', 'role', 'inmesh', '-n', 'shop', '--ignore-not-found');
    await obey(watch.message());
    await until(() => watch.state() === 'fresh', 'the user to be let in', 50_000);
    expect(watch.addresses()).toEqual(pods.addresses);
  });

  it('a kubeconfig as kubectl writes it leads to the cluster, with a token and with a program that prints one', async () => {
    const { options } = await newClient(api, 'shop', 'developer');
    await api.admin.allow('shop', 'developer');
    const token = await readFile(options.tokenFile!, 'utf8');
    // kubectl writes paths relative to the kubeconfig.
    const printer = join(api.folder, 'bin', 'print-token.sh');
    await mkdir(dirname(printer));
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token },
    };
    await writeFile(printer, `#!/bin/sh\ncat <<'END'\n${JSON.stringify(credential)}\nEND\n`, { mode: 0o700 });
    const execArgs = [`--exec-command=${printer}`, '--exec-api-version=client.authentication.k8s.io/v1'];
    for (const [name, user] of Object.entries({ token: [`--token=${token}`], exec: execArgs })) {
      const kubeconfig = join(api.folder, `${name}.kubeconfig`);
      const config = (...args: string[]): Promise<void> => run(['config', `--kubeconfig=${kubeconfig}`, ...args]);
      await config('set-cluster', 'test', `--server=${api.url}`, `--certificate-authority=${api.ca}`);
      await config('set-credentials', 'developer', ...user);
      await config('set-context', 'test', '--cluster=test', '--user=developer', '--namespace=shop');
      await config('use-context', 'test');
      const watch = follow('k8s://orders', { kubeconfig });
      cleanups.push(watch.stop);
      await until(() => watch.state() !== undefined, 'an answer');
      expect([watch.message(), ...watch.addresses()]).toEqual(['', ...pods.addresses]);
    }
  });

  it('an API server of another authority is not believed', async () => {
    const { options } = await newClient(api, 'shop', 'careful');
    const watch = following({ ...options, ca: (await Authority.create()).cert });
    await watch.untilState('error');
    expect(watch.fault()).toBe('TLS');
    expect(watch.message()).toContain('kubernetes.ca');
  });
});
