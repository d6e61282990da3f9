// The conformance table on whatever Node runs this: node test/fetch/run.ts [part of a name]
import { startComparison } from './compare.ts';

const { cases, compare, close } = await startComparison();
const wanted = cases.filter(({ name }) => name.includes(process.argv[2] ?? ''));
let failed = 0;
for (const one of wanted) {
  const late = new Promise<{ ours: unknown; builtIn: unknown }>((resolve) =>
    setTimeout(resolve, 5000, { ours: 'late', builtIn: '' }).unref(),
  );
  const { ours, builtIn } = await Promise.race([compare(one), late]);
  if (ours === builtIn) continue;
  failed++;
  console.log(
    `FAILED ${one.name}\n  built-in ${String(builtIn).slice(0, 1200)}\n  ours     ${String(ours).slice(0, 1200)}`,
  );
}
await close();
console.log(`Node ${process.version}: ${wanted.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
