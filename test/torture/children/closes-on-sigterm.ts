// Makes a hundred calls, closes its mesh on SIGTERM, destroys it on the second, and never calls process.exit.
import { createMesh, meshErrorOf } from '../../../src/index.ts';
import { given, tell } from './child.ts';

const [address, drain] = given<[string, '5s']>();
const mesh = createMesh({
  services: { svc: { target: `static://${address}`, deadline: '120s', attemptTimeout: '90s', connectTimeout: '80s' } },
});

async function call(): Promise<string> {
  try {
    return await (await mesh.fetch('http://svc/')).text();
  } catch (error) {
    return meshErrorOf(error)?.code ?? String(error);
  }
}

const calls = Array.from({ length: 100 }, call);
let signals = 0;
process.on('SIGTERM', () => {
  if (++signals === 1) void close();
  else void mesh.destroy();
});
tell('calling');

async function close(): Promise<void> {
  const began = performance.now();
  const closed = mesh.close({ drain });
  tell('closing');
  const late = await call();
  await closed;
  const took = performance.now() - began;
  const ends: Record<string, number> = {};
  for (const end of await Promise.all(calls)) ends[end] = (ends[end] ?? 0) + 1;
  tell('report', { ends, late, took });
}
