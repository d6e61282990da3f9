// What size costs: 10,000 endpoints, the import, the package.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { createMesh, type Mesh } from '../../src/index.ts';
import { ManualResolver } from '../../src/testing/index.ts';
import { loadedBy } from '../kit/loaded.ts';
import { median } from './kit.ts';

const COUNT = 10_000;
const addresses = (from: number): string[] =>
  Array.from(
    { length: COUNT },
    (_, index) => `10.${(from + index) >> 16}.${((from + index) >> 8) & 255}.${(from + index) & 255}:8080`,
  );

/** Longest time, ms, in which the event loop did not turn while `run` was under way. */
async function longestBlock(run: () => Promise<void>): Promise<{ took: number; block: number }> {
  let last = performance.now();
  let block = 0;
  let watching = true;
  const watch = (): void => {
    const now = performance.now();
    block = Math.max(block, now - last);
    last = now;
    if (watching) setImmediate(watch);
  };
  setImmediate(watch);
  await new Promise((resolve) => setImmediate(resolve));
  block = 0;
  const begin = performance.now();
  await run();
  const took = performance.now() - begin;
  await new Promise((resolve) => setImmediate(resolve));
  watching = false;
  return { took, block };
}

/** A mesh whose service has learnt of `COUNT` endpoints and has a picker over them. */
async function big(from: number): Promise<{ mesh: Mesh; took: number; block: number }> {
  const resolver = new ManualResolver();
  const mesh = createMesh({ services: { big: { target: resolver } } });
  const infos = addresses(from).map((address) => ({ address }));
  const times = await longestBlock(async () => {
    resolver.set(infos);
    await mesh.ready();
    if (mesh._runtimes.get('big')!.cluster.picker.policy !== 'p2c-peak-ewma') throw new Error('no picker');
  });
  return { mesh, ...times };
}

async function applySnapshots(): Promise<void> {
  const runs: { took: number; block: number }[] = [];
  for (let run = 0; run < 9; run++) {
    const { mesh, ...times } = await big(run);
    runs.push(times);
    await mesh.close();
  }
  const of = (field: 'took' | 'block'): string => {
    const values = runs.map((run) => run[field]);
    return `${median(values).toFixed(1)} ms (first ${values[0]!.toFixed(1)})`;
  };
  console.log(`a snapshot of ${COUNT} endpoints: applied in ${of('took')}, longest loop block ${of('block')}`);
}

async function memory(): Promise<void> {
  const meshes: Mesh[] = [];
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let each = 0; each < 5; each++) meshes.push((await big(each)).mesh);
  globalThis.gc?.();
  const bytes = (process.memoryUsage().heapUsed - before) / meshes.length;
  console.log(
    `${COUNT} unconnected endpoints: ${(bytes / 1e6).toFixed(1)} MB, ${Math.round(bytes / COUNT)} bytes each`,
  );
  for (const mesh of meshes) await mesh.close();
}

function importTime(code: string): number {
  const begin = performance.now();
  execFileSync(process.execPath, ['--input-type=module', '-e', code], {
    stdio: 'ignore',
    cwd: new URL('../../', import.meta.url),
  });
  return performance.now() - begin;
}

function imports(): void {
  const dependencies = ['undici', 'opossum', 'p-retry', 'lru-cache', '@opentelemetry/api', 'valibot']
    .map((name) => `import '${name}';`)
    .join('');
  const own = `import './dist/index.js';`;
  const pairs = Array.from({ length: 15 }, () => ({
    base: importTime(dependencies),
    own: importTime(own),
    empty: importTime(''),
  }));
  const ratio = median(pairs.map(({ base, own }) => own / base));
  const net = median(pairs.map(({ base, own, empty }) => (own - empty) / (base - empty)));
  console.log(
    `import 'inmesh': ${ratio.toFixed(2)} times its dependencies (${net.toFixed(2)} times without Node's own start)`,
  );
}

async function size(): Promise<void> {
  const dist = new URL('../../dist/', import.meta.url).pathname;
  const loaded = [...(await loadedBy(`${dist}index.js`)).values()];
  const all = readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.js'))
    .map((file) => readFileSync(dist + file, 'utf8'));
  const kilobytes = (code: readonly string[]): string => (gzipSync(code.join('')).length / 1024).toFixed(1);
  console.log(`own code, gzipped: ${kilobytes(loaded)} KB that the import loads, ${kilobytes(all)} KB in all`);
}

await applySnapshots();
await memory();
imports();
await size();
process.exit(0);
