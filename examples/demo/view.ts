/** What the table shows of both sides at one moment, and what has changed since the moment before. */
import { styleText } from 'node:util';
import type { Mesh } from 'inmesh';
import { AT_START, NEWCOMER } from './faults.ts';
import type { Fleet } from './fleet.ts';
import type { Side } from './sides.ts';
import { type Paint, type Row, table } from './table.ts';

type EndpointView = ReturnType<ReturnType<Mesh['service']>['endpoints']>[number];

const PAINT: Readonly<Record<EndpointView['state'], Paint>> = {
  healthy: 'green',
  warming: 'yellow',
  unhealthy: 'red',
  ejected: 'red',
  draining: 'dim',
};

export interface Stage {
  readonly mesh: Side & { readonly mesh: Mesh };
  readonly plain: Side;
  readonly fleet: Fleet;
}

/** What the mesh says of each backend of a service, by its name. */
function endpointsOf({ mesh, fleet }: Stage, service: string): Map<string, EndpointView> {
  return new Map(
    mesh.mesh
      .service(service)
      .endpoints()
      .map((view) => [fleet.nameOf(view.address), view]),
  );
}

/** The rows of one service: its own, then one for every backend that either side knows. */
function rowsOf(stage: Stage, service: string, now: number): Row[] {
  const { mesh, plain } = stage;
  const known = endpointsOf(stage, service);
  const names = AT_START[service]!.concat(known.has(NEWCOMER) ? NEWCOMER : []);
  const total = mesh.services.of(service).recent(now);
  const { state, breaker } = stage.mesh.mesh.service(service).snapshot();
  const heading: Row = {
    name: service,
    heading: true,
    plain: plain.services.of(service).recent(now),
    mesh: total,
    share: 1,
    state: `${known.size} in DNS${state === 'fresh' ? '' : `, ${state}`}${isOpen(breaker) ? ', breaker open' : ''}`,
    statePaint: 'dim',
  };
  const attempts = names.reduce((sum, name) => sum + mesh.backends.of(name).recent(now).rate, 0);
  const backends = names.map((name): Row => {
    const view = known.get(name);
    const figures = mesh.backends.of(name).recent(now);
    const isPlain = AT_START[service]!.includes(name);
    return {
      name,
      heading: false,
      plain: isPlain ? plain.backends.of(name).recent(now) : undefined,
      mesh:
        view === undefined && figures.rate === 0
          ? undefined
          : { ...figures, inFlight: view?.inFlight ?? figures.inFlight },
      share: attempts === 0 ? 0 : figures.rate / attempts,
      state: view === undefined ? 'gone' : view.reason === undefined ? view.state : `${view.state}: ${view.reason}`,
      statePaint: view === undefined ? 'dim' : PAINT[view.state],
    };
  });
  return [heading, ...backends];
}

function isOpen(breaker: unknown): boolean {
  return typeof breaker === 'object' && breaker !== null && 'state' in breaker && breaker.state === 'open';
}

/** The whole picture, as lines of at most `width` columns. */
export function picture(stage: Stage, width: number, seconds: number, total: number, rate: number): string[] {
  const now = performance.now();
  const rows = Object.keys(AT_START).flatMap((service) => rowsOf(stage, service, now));
  const done = Math.round((Math.min(seconds, total) / total) * 20);
  const progress = styleText('cyan', '━'.repeat(done)) + styleText('dim', '─'.repeat(20 - done));
  const clock = `${seconds.toFixed(0).padStart(2)} s of ${total}`;
  const note = width < 96 ? '' : styleText('dim', `   ${rate} requests/s to each service from each side, last 3 s`);
  return ['', ` ${styleText('bold', 'inmesh demo')}  ${progress}  ${clock}${note}`, '', ...table(rows, width)];
}

/** Tells of every change of state that the mesh shows, once. */
export class Watch {
  readonly #stage: Stage;
  readonly #seen = new Map<string, string>();

  constructor(stage: Stage) {
    this.#stage = stage;
    this.changes();
  }

  changes(): string[] {
    const changes: string[] = [];
    for (const service of Object.keys(AT_START)) {
      const known = endpointsOf(this.#stage, service);
      for (const [name, { state, reason }] of known) {
        const before = this.#seen.get(name);
        if (before === state) continue;
        this.#seen.set(name, state);
        if (before === undefined) changes.push(`${name} found in DNS, ${state}`);
        else changes.push(`${name} ${state}${reason === undefined ? '' : ` (${reason})`}`);
      }
      for (const name of this.#seen.keys()) {
        if (!name.startsWith(`${service}-`) || known.has(name)) continue;
        this.#seen.delete(name);
        changes.push(`${name} gone from DNS`);
      }
    }
    return changes;
  }
}
