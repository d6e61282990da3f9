/**
 * Runs within a network of its own: `node unreachable.ts <address>…`. Sends to each address alone, and then beside a
 * server that answers, and prints what became of it, as JSON.
 */
import { createMesh, meshErrorOf } from '../../../src/index.ts';
import { always, Faultd } from '../../kit/faultd.ts';

const server = await Faultd.start(always((peer) => void peer.respond()));
const report: Record<string, object> = {};
for (const address of process.argv.slice(2)) {
  const alone = createMesh({ services: { svc: { target: `static://${address}`, retry: false } } });
  const begun = performance.now();
  const error = meshErrorOf(await alone.fetch('http://svc/').catch((reason: unknown) => reason));
  const took = performance.now() - begun;
  await alone.close();
  const mesh = createMesh({ services: { svc: { target: `static://${address},${server.address}` } } });
  let answered = 0;
  for (let call = 0; call < 40; call++) {
    const { status } = await mesh.fetch('http://svc/', { method: call % 2 === 0 ? 'GET' : 'POST' });
    if (status === 200) answered++;
  }
  await mesh.close();
  report[address] = { code: error?.code, sent: error?.sent, blame: error?.blame, took, answered };
}
await server.close();
console.log(JSON.stringify(report));
