import { afterAll, expect, test } from 'vitest';
import { startComparison } from './compare.ts';

const { cases, compare, close } = await startComparison();
afterAll(close);

// Not test.concurrent: a case owns what the servers saw.
test.for(cases.map((one) => [one.name, one] as const))('%s: the same as built-in fetch', async ([, one]) => {
  const { ours, builtIn } = await compare(one);
  expect(ours).toBe(builtIn);
});
