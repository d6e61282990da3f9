/**
 * `npm run demo`: a minute of things going wrong, met by a mesh and by plain fetch side by side. `-- --quick`: 15 s.
 *
 * Real backends in child processes, an embedded DNS server, and one load on both sides. Ends with 1 where the mesh's
 * callers saw fewer than 99.5 % good answers, or where a backend ended that nobody had killed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { AT_START, NEWCOMER, timeline } from './faults.ts';
import { Fleet } from './fleet.ts';
import { drive } from './load.ts';
import { openScreen } from './screen.ts';
import { meshSide, plainSide } from './sides.ts';
import { resultOf, successOf, summary } from './summary.ts';
import { picture, Watch } from './view.ts';
import { Zone } from './zone.ts';

const { quick, rate: rateText } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, rate: { type: 'string', default: '150' } },
}).values;
const rate = Number(rateText);
const seconds = quick ? 15 : 60;
const services = Object.keys(AT_START);
/** What the demo promises of the mesh's callers. Not 1: a 500 is not retried, so the first ones of `users-1` reach them. */
const PROMISED = 0.995;

const stopping = new AbortController();
const { signal } = stopping;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stopping.abort(name));

const fleet = await Fleet.start([...Object.values(AT_START).flat(), NEWCOMER]);
const zone = await Zone.start(fleet);
const plain = await plainSide(services, zone.address, fleet);
const mesh = meshSide(services, zone.address, fleet);
await mesh.mesh.ready();
// Connections and compiled code, so that the first figures are of what is to be seen here.
const early = services.flatMap((service) => [plain, mesh].map((side) => ({ side, service })));
for (let round = 0; round < 20; round++) await Promise.all(early.map(({ side, service }) => side.send(service)));

const stage = { mesh, plain, fleet };
const watch = new Watch(stage);
const screen = openScreen(process.stdout, quick ? 3_000 : 10_000);
const begun = performance.now();
const elapsed = (): number => (performance.now() - begun) / 1_000;
let lost: string | undefined;
let late = 0;
fleet.onLoss = (name) => {
  lost = name;
  stopping.abort();
};

async function direct(): Promise<void> {
  for (const fault of timeline(fleet, (service, backends) => zone.publish(service, backends))) {
    await sleep(Math.max(0, (fault.at * seconds - elapsed()) * 1_000), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    fault.strike();
    screen.event({ at: elapsed(), kind: 'fault', text: fault.what });
  }
}

const count = Object.values(AT_START).flat().length + 1;
screen.event({ at: 0, kind: 'fault', text: `${count} backends in processes of their own, ${NEWCOMER} not yet in DNS` });

const drawing = setInterval(() => {
  for (const text of watch.changes()) screen.event({ at: elapsed(), kind: 'mesh', text: `inmesh: ${text}` });
  screen.draw(picture(stage, screen.width, elapsed(), seconds, rate));
}, 250);

try {
  const load = { services, sides: [plain, mesh], rate, duration: seconds * 1_000 };
  [late] = await Promise.all([drive(load, signal), direct()]);
} finally {
  clearInterval(drawing);
  screen.end(picture(stage, screen.width, elapsed(), seconds, rate));
  await mesh.mesh.close({ drain: 0 });
  await Promise.all([fleet.stop(), zone.close()]);
}

const result = resultOf(mesh, services);
console.log(`\n${summary(result, resultOf(plain, services), late).join('\n')}`);
if (lost !== undefined) {
  console.error(`\n ${lost} ended by itself: the figures mean nothing.`);
  process.exitCode = 1;
} else if (signal.aborted) {
  console.log('\n Stopped before its end.');
  process.exitCode = 130;
} else if (!(successOf(result) >= PROMISED)) {
  console.error(`\n Fewer than ${PROMISED * 100}% of the requests through the mesh were answered well.`);
  process.exitCode = 1;
}
