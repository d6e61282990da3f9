// Drops responses unread, lets the garbage collector find them, and tells how many calls are still under way then.
import { setTimeout as sleep } from 'node:timers/promises';
import { createMesh } from '../../../src/index.ts';
import { given, tell } from './child.ts';

const [address] = given<[string]>();
const mesh = createMesh({ services: { svc: { target: `static://${address}`, deadline: '60s' } } });
await (async (): Promise<void> => {
  await Promise.all(Array.from({ length: 20 }, () => mesh.fetch('http://svc/long')));
})();
tell('ready', mesh.snapshot().inFlight === 20);
let rounds = 0;
for (; rounds < 100 && mesh.snapshot().inFlight > 0; rounds++) {
  globalThis.gc!();
  await sleep(10);
}
tell('collected', { inFlight: mesh.snapshot().inFlight, rounds });
await mesh.close({ drain: 0 });
