import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { createMesh, type Mesh, type MeshOptions } from '../../src/index.ts';
import { silentLogger } from '../../src/core/log.ts';
import { ApiServer, fail, slice } from '../kit/apiserver.ts';
import { Authority } from '../kit/certificates.ts';
import { startTlsd } from '../kit/tlsd.ts';
import { startH2c } from './h2c.ts';

async function backend(host: string, port = 0): Promise<{ port: number; server: Server }> {
  const server = createServer((_request, response) => response.end(host));
  await new Promise<void>((done) => server.listen(port, host, done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, server };
}

async function meshWith(
  services: MeshOptions['services'],
  kubernetes: MeshOptions['kubernetes'] = {},
): Promise<{ mesh: Mesh; api: ApiServer }> {
  const api = await ApiServer.start();
  onTestFinished(() => api.close());
  const mesh = createMesh({
    services,
    kubernetes: { server: api.url, namespace: 'shop', ...kubernetes },
    log: silentLogger,
  });
  onTestFinished(() => mesh.close({ drain: 0 }));
  return { mesh, api };
}

async function ask(mesh: Mesh, url = 'http://orders/'): Promise<string> {
  return (await mesh.fetch(url)).text();
}

async function until(done: () => Promise<boolean> | boolean): Promise<void> {
  for (const end = performance.now() + 5_000; !(await done());) {
    if (performance.now() > end) throw new Error(`waited in vain for ${done.toString()}`);
    await new Promise((turn) => setTimeout(turn, 10));
  }
}

it('requests go to the pods of a Service and follow them as they come and go', async () => {
  const { port } = await backend('127.0.0.1');
  await backend('127.0.0.2', port);
  const { mesh, api } = await meshWith({ orders: 'k8s://orders:http' });
  const ports = [{ name: 'http', port }];
  api.apply(slice('a', ['127.0.0.1'], { ports }));
  expect(await ask(mesh)).toBe('127.0.0.1');
  await until(() => api.watchers.size === 1);
  api.apply(slice('b', ['127.0.0.2'], { ports }));
  await until(async () => (await ask(mesh)) === '127.0.0.2');
  api.apply(slice('a', [{ addresses: ['127.0.0.1'], conditions: { ready: false } }], { ports }));
  await until(() => mesh.service('orders').snapshot().endpoints.length === 1);
  for (let times = 0; times < 20; times++) expect(await ask(mesh)).toBe('127.0.0.2');
});

it('endpoints of the own zone are used alone, until none of them can be', async () => {
  const { port, server } = await backend('127.0.0.1');
  await backend('127.0.0.2', port);
  process.env['INMESH_ZONE'] = 'zone-a';
  onTestFinished(() => void delete process.env['INMESH_ZONE']);
  const { mesh, api } = await meshWith({ orders: { target: 'k8s://orders', outlier: { consecutive: 1 }, panic: 0 } });
  const hinted = (address: string, zone: string): object => ({
    addresses: [address],
    zone,
    hints: { forZones: [{ name: zone }] },
  });
  api.apply(
    slice('a', [hinted('127.0.0.1', 'zone-a'), hinted('127.0.0.2', 'zone-b')], { ports: [{ name: '', port }] }),
  );
  for (let times = 0; times < 20; times++) expect(await ask(mesh)).toBe('127.0.0.1');
  expect(
    mesh
      .service('orders')
      .endpoints()
      .map(({ zone }) => zone),
  ).toEqual(['zone-a', 'zone-b']);
  server.closeAllConnections();
  server.close();
  const answers = new Set<string>();
  for (let times = 0; times < 20; times++) answers.add(await ask(mesh));
  expect(answers).toEqual(new Set(['127.0.0.2']));
});

it('an endpoint whose appProtocol is h2c is spoken to in HTTP/2, from the first request on; what the user says goes first', async () => {
  const { port, versions } = await startH2c();
  const ports = [{ name: 'http', port, appProtocol: 'kubernetes.io/h2c' }];
  const { mesh, api } = await meshWith({ orders: 'k8s://orders', plain: { target: 'k8s://orders', protocol: 'http' } });
  api.apply(slice('a', ['127.0.0.1'], { ports }));
  expect(await ask(mesh)).toBe('HTTP/2.0');
  expect(versions).toEqual(['2.0']);
  await expect(ask(mesh, 'http://plain/')).rejects.toThrow('fetch failed');
});

it('an endpoint whose appProtocol is https is spoken to over TLS, and proves the name of the Service', async () => {
  const authority = await Authority.create();
  const { cert, key } = await authority.issue({ names: ['orders'] });
  const server = await startTlsd({ cert, key });
  const api = await ApiServer.start();
  onTestFinished(() => api.close());
  api.apply(
    slice('a', ['127.0.0.1'], {
      ports: [{ name: 'https', port: Number(server.address.split(':')[1]), appProtocol: 'https' }],
    }),
  );
  const folder = await mkdtemp(join(tmpdir(), 'inmesh-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'ca.pem'), authority.cert);
  const script = `
    import { createMesh } from ${JSON.stringify(join(import.meta.dirname, '../../src/index.ts'))};
    const mesh = createMesh({ services: { orders: 'k8s://orders' }, kubernetes: { server: '${api.url}', namespace: 'shop' } });
    console.log(await (await mesh.fetch('http://orders/')).text());
    await mesh.close();`;
  // What Node trusts is said when it starts.
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env,
    timeout: 10_000,
  });
  expect(stdout).toBe('ok\n');
  expect(server).toMatchObject({ servername: 'orders', requests: 1 });
});

it('a chain goes on where the right to list is missing, and says what to grant', async () => {
  const { port } = await backend('127.0.0.1');
  const { mesh, api } = await meshWith({ orders: { target: ['k8s://orders', `static://127.0.0.1:${port}`] } });
  api.intercept = (_asked, response) => {
    fail(response, 403, 'forbidden: User "system:serviceaccount:shop:web" cannot list');
    return true;
  };
  expect(await ask(mesh)).toBe('127.0.0.1');
});

it('a call fails by name where the API server cannot be reached and there is no fall-back', async () => {
  const { mesh, api } = await meshWith({ orders: 'k8s://orders' });
  await api.close();
  await expect(mesh.request({ origin: 'http://orders', path: '/', method: 'GET' })).rejects.toMatchObject({
    code: 'INMESH_RESOLVE_FAILED',
    message: expect.stringContaining('cannot be reached') as string,
  });
});

it('another API server in new options is asked from then on', async () => {
  const { port } = await backend('127.0.0.1');
  await backend('127.0.0.2', port);
  const { mesh, api } = await meshWith({ orders: 'k8s://orders' });
  const ports = [{ name: '', port }];
  api.apply(slice('a', ['127.0.0.1'], { ports }));
  expect(await ask(mesh)).toBe('127.0.0.1');
  const other = await ApiServer.start();
  onTestFinished(() => other.close());
  other.apply(slice('a', ['127.0.0.2'], { ports }));
  await mesh.update({ services: { orders: 'k8s://orders' }, kubernetes: { server: other.url, namespace: 'shop' } });
  await until(async () => (await ask(mesh)) === '127.0.0.2');
  await until(() => api.watchers.size === 0);
});

it('a watch keeps no process alive', async () => {
  const api = await ApiServer.start();
  onTestFinished(() => api.close());
  api.apply(slice('a', ['127.0.0.1']));
  const root = join(import.meta.dirname, '../..');
  const script = `
    import { createMesh } from ${JSON.stringify(join(root, 'src/index.ts'))};
    const mesh = createMesh({ services: { orders: 'k8s://orders' }, kubernetes: { server: '${api.url}', namespace: 'shop' } });
    await mesh.ready();
    console.log(mesh.service('orders').endpoints().length);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    timeout: 10_000,
  });
  expect(stdout).toBe('1\n');
});
