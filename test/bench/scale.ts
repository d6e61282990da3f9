// What size costs: 10,000 endpoints, the import, the package.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { createMesh } from '../../src/index.ts';
import { ManualResolver } from '../../src/testing/index.ts';
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

async function applySnapshots(): Promise<void> {
  const runs: { took: number; block: number; bytes: number }[] = [];
  for (let run = 0; run < 7; run++) {
    const resolver = new ManualResolver();
    const mesh = createMesh({ services: { big: { target: resolver } } });
    const infos = addresses(run).map((address) => ({ address }));
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    const { took, block } = await longestBlock(async () => {
      resolver.set(infos);
      await mesh.ready();
      mesh.service('big').explain();
    });
    globalThis.gc?.();
    runs.push({ took, block, bytes: process.memoryUsage().heapUsed - before });
    await mesh.close();
  }
  const of = (field: 'took' | 'block' | 'bytes'): number => median(runs.map((run) => run[field]));
  console.log(
    `a snapshot of ${COUNT} endpoints: applied in ${of('took').toFixed(1)} ms, longest loop block ${of('block').toFixed(1)} ms`,
  );
  console.log(
    `${COUNT} unconnected endpoints: ${(of('bytes') / 1e6).toFixed(1)} MB, ${Math.round(of('bytes') / COUNT)} bytes each`,
  );
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

function size(): void {
  const dist = new URL('../../dist/', import.meta.url);
  const code = readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.js'))
    .map((file) => readFileSync(new URL(file, dist)));
  const gzipped = code.reduce((sum, file) => sum + gzipSync(file).length, 0);
  console.log(
    `own code: ${code.length} files, ${(gzipped / 1024).toFixed(1)} KB gzipped file by file, ${(gzipSync(Buffer.concat(code)).length / 1024).toFixed(1)} KB as one`,
  );
}

await applySnapshots();
imports();
size();
process.exit(0);
