// Two copies of the library in one process.
import { pathToFileURL } from 'node:url';
import { given, tell } from './child.ts';

type Inmesh = typeof import('../../../src/index.ts');

const [first, second, address] = given<[string, string, string]>();
const a = (await import(pathToFileURL(first).href)) as Inmesh;
const b = (await import(pathToFileURL(second).href)) as Inmesh;
const target = `static://${address}`;
const [meshA, meshB] = [a.createMesh({ services: { first: target } }), b.createMesh({ services: { second: target } })];

const failure: unknown = await meshA.fetch('http://nobody/').catch((error: unknown) => error);

const seen = await a.context.run({ deadline: '400ms', criticality: 'critical' }, async () => ({
  remaining: b.context.remaining(),
  criticality: b.context.criticality(),
  nested: b.context.run({ deadline: '100ms' }, () => a.context.remaining()),
  header: await (await meshB.fetch('http://second/')).json(),
}));

const ask = (host: string): Promise<number | string> =>
  fetch(`http://${host}/`).then(
    ({ status }) => status,
    () => 'failed',
  );
const both = async (): Promise<object> => ({ first: await ask('first'), second: await ask('second') });
const restoreA = meshA.install();
const restoreB = meshB.install();
const installed = await both();
// Not in the order in which a stack would be undone.
restoreA();
const firstRestored = await both();
restoreB();
const bothRestored = await both();

await meshA.close();
await meshB.close();
tell('report', {
  separate: a.createMesh !== b.createMesh,
  understoodError: b.isMeshError(failure, 'INMESH_UNKNOWN_SERVICE') && b.meshErrorOf(failure)?.service === 'nobody',
  ...seen,
  remaining: Number.isFinite(seen.remaining) ? seen.remaining : null,
  installed,
  firstRestored,
  bothRestored,
});
