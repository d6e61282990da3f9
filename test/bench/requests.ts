// What a request costs: inmesh against raw undici, against Node's fetch, and against what people assemble by hand.
// Each comparison runs in a process of its own, so that none finds code that another has warmed up or spoilt.
import { spawnSync } from 'node:child_process';

const quick = process.argv.includes('--quick') ? ['--quick'] : [];
console.log(
  `Node ${process.version}, 32 in flight, 1 KB answers, interleaved rounds, medians; ratios to the first line`,
);
for (const section of ['dispatch', 'request', 'fetch']) {
  const script = new URL(`./requests-${section}.ts`, import.meta.url).pathname;
  const { status } = spawnSync(process.execPath, [script, ...quick], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}
