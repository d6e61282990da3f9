import { execFile } from 'node:child_process';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { context } from '../../src/index.ts';
import { root, stage } from '../house/stage.ts';
import { always, delay, Faultd } from '../kit/faultd.ts';
import { Child } from './children/child.ts';
import { send, torture } from './kit.ts';

let house: Awaited<ReturnType<typeof stage>>;
let server: Faultd;
beforeAll(async () => {
  server = await Faultd.start(
    always((peer, { headers, path }) => {
      const seen = ['x-mesh-timeout-ms', 'x-mesh-criticality'].map((name) => headers[name]?.[0] ?? null);
      if (path !== '/never') peer.respond(200, JSON.stringify(seen));
    }),
  );
  house = await stage();
});
afterAll(async () => {
  await server.close();
  await house?.remove();
});

/** A second copy of what is built, with an undici of its own; `edit` makes it one of another version. */
async function copy(name: string, edit: (source: string) => string = (source) => source): Promise<string> {
  const path = join(house.path, name);
  await cp(join(house.path, 'dist'), join(path, 'dist'), { recursive: true });
  await cp(join(house.path, 'package.json'), join(path, 'package.json'));
  await cp(join(root, 'node_modules/undici'), join(path, 'node_modules/undici'), { recursive: true });
  const file = join(path, 'dist/index.js');
  await writeFile(file, edit(await readFile(file, 'utf8')));
  return join(path, 'dist/index.js');
}

it('59 two copies of the library: contexts and errors are understood across them, and neither undoes what the other installed', async () => {
  const first = join(house.path, 'dist/index.js');
  const second = await copy('second');
  const child = Child.start('two-copies.ts', [first, second, server.address]);
  const report = await child.told<Record<string, unknown>>('report');
  expect(report).toMatchObject({
    separate: true,
    understoodError: true,
    criticality: 'critical',
    header: [expect.stringMatching(/^\d{1,3}$/), 'critical'],
    installed: { first: 200, second: 200 },
    firstRestored: { first: 'failed', second: 200 },
    bothRestored: { first: 'failed', second: 'failed' },
  });
  expect(report['remaining']).toBeGreaterThan(0);
  expect(report['remaining']).toBeLessThanOrEqual(400);
  expect(report['nested']).toBeLessThanOrEqual(100);
  expect(await child.ended).toMatchObject({ code: 0, stderr: '' });
});

it('59 two copies of the library: one whose context has another shape keeps to its own', async () => {
  const edit = (source: string): string => source.replace('inmesh.context.1', 'inmesh.context.2');
  const other = await copy('other', edit);
  const child = Child.start('two-copies.ts', [join(house.path, 'dist/index.js'), other, server.address]);
  expect(await child.told('report')).toMatchObject({
    remaining: null,
    criticality: 'default',
    header: [expect.any(String), null],
  });
  expect(await child.ended).toMatchObject({ code: 0, stderr: '' });
});

it('59 ESM+CJS: require gives the very module that import gives, without a warning', async () => {
  const script = `
    const inmesh = require('inmesh');
    import('inmesh').then(async (imported) => {
      const mesh = inmesh.createMesh({ services: { svc: 'static://${server.address}' } });
      const { status } = await mesh.fetch('http://svc/');
      await mesh.close();
      console.log(JSON.stringify({ status, same: imported.createMesh === inmesh.createMesh }));
    });`;
  await writeFile(join(house.path, 'consumer.cjs'), script);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(house.path, 'consumer.cjs')]);
  expect({ stdout, stderr }).toEqual({ stdout: '{"status":200,"same":true}\n', stderr: '' });
});

it('59 worker_threads: each has meshes and contexts of its own, and one that is terminated leaves the others alone', async () => {
  const { mesh, watch } = torture([server.address]);
  const start = async (path: string): Promise<{ worker: Worker; told: unknown }> => {
    const worker = new Worker(new URL('children/worker.ts', import.meta.url), {
      workerData: { address: server.address, path },
    });
    const [told] = (await once(worker, 'message')) as unknown[];
    return { worker, told };
  };
  await context.run({ criticality: 'critical', deadline: '20s' }, async () => {
    const { worker, told } = await start('/');
    expect(told).toEqual({ criticality: 'default', deadline: null, status: 200 });
    const [code] = (await once(worker, 'exit')) as [number];
    expect(code).toBe(0);

    const terminated = await start('/never');
    await terminated.worker.terminate();
    expect(JSON.parse((await watch.call(() => send(mesh))).text)).toEqual([expect.any(String), 'critical']);
  });
  await delay(20);
  expect(server.open).toBeLessThanOrEqual(1);
  await watch.check({ healthy: [server.address] });
});
