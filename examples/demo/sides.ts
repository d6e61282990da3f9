/** The two sides that get the same load: a mesh with its defaults, and what people write by hand. */
import { Resolver } from 'node:dns/promises';
import { createMesh, type Layer, type Mesh } from 'inmesh';
import type { Fleet } from './fleet.ts';
import { Board } from './measure.ts';
import { recordOf } from './zone.ts';

export interface Side {
  /** Sends one request; whether it was answered well. */
  send(service: string): Promise<boolean>;
  /** What the application saw, by service. */
  readonly services: Board;
  /** What each backend was sent, by its name. */
  readonly backends: Board;
}

/** A mesh with nothing but its defaults, told which DNS server to ask (`dns`, `host:port`). A layer of our own inside of `balance` counts what each endpoint gets. */
export function meshSide(services: readonly string[], dns: string, fleet: Fleet): Side & { readonly mesh: Mesh } {
  const targets = services.map((service) => [service, `srv://${recordOf(service)}?server=${dns}`]);
  const mesh = createMesh({ services: Object.fromEntries(targets) as Record<string, string> });
  const backends = new Board();

  const meter: Layer = (next) => async (call) => {
    const series = backends.of(fleet.nameOf(call.endpoint!.address));
    const begun = performance.now();
    series.begin();
    try {
      const exchange = await next(call);
      exchange.onEnd(({ kind }) => series.end(performance.now() - begun, kind === 'success'));
      return exchange;
    } catch (error) {
      series.end(performance.now() - begun, false);
      throw error;
    }
  };
  mesh.stack.insertAfter('balance', meter);

  const send = async (service: string): Promise<boolean> => {
    const response = await mesh.fetch(`http://${service}/v1/items`);
    await response.text();
    return response.ok;
  };
  return { mesh, send, services: new Board(), backends };
}

/** Plain fetch, round robin over the addresses that DNS gave at the start, given up after the mesh's default of 10 s. */
export async function plainSide(services: readonly string[], dns: string, fleet: Fleet): Promise<Side> {
  const resolver = new Resolver();
  resolver.setServers([dns]);
  const addresses = new Map<string, string[]>();
  for (const service of services) {
    const records = await resolver.resolveSrv(recordOf(service));
    const hosts = await Promise.all(
      records.map(async ({ name, port }) => `${(await resolver.resolve4(name))[0]}:${port}`),
    );
    addresses.set(service, hosts);
  }
  const backends = new Board();
  const turns = new Map<string, number>();

  const send = async (service: string): Promise<boolean> => {
    const hosts = addresses.get(service)!;
    const turn = turns.get(service) ?? 0;
    turns.set(service, turn + 1);
    const address = hosts[turn % hosts.length]!;
    const series = backends.of(fleet.nameOf(address));
    const begun = performance.now();
    series.begin();
    let ok = false;
    try {
      const response = await fetch(`http://${address}/v1/items`, { signal: AbortSignal.timeout(10_000) });
      await response.text();
      ok = response.ok;
    } finally {
      series.end(performance.now() - begun, ok);
    }
    return ok;
  };
  return { send, services: new Board(), backends };
}
