import { onTestFinished } from 'vitest';
import { createMesh, type Mesh, type ServiceOptions } from '../../src/index.ts';
import { silentLogger } from '../../src/core/log.ts';
import { seededRandom } from '../../src/core/random.ts';
import { DnsServer, type DnsServerOptions } from '../../src/testing/dns-server.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { always, Faultd } from '../kit/faultd.ts';
import { Invariants } from '../kit/invariants.ts';
import { send } from './kit.ts';

/** The name of the service in DNS. */
export const NAME = 'svc.test';

/** A mesh of one service, `svc`, whose endpoints are found in DNS: real sockets, and time by hand. */
export interface DnsMesh {
  readonly clock: ManualClock;
  readonly dns: DnsServer;
  readonly mesh: Mesh;
  readonly watch: Invariants;
  /** Backends by the last number of their address, all on one port. */
  readonly backends: ReadonlyMap<string, Faultd>;
  /** Sends requests one after the other while so much time passes; gives back what answered them, or how they failed. */
  readonly traffic: (ms: number, step?: number) => Promise<Set<string>>;
  /** Lets time pass, 20 ms or `step` at a time, until `done`. */
  readonly until: (done: () => boolean, step?: number) => Promise<void>;
  /** Discovery's last word. */
  readonly state: () => string | undefined;
}

/** Starts it with backends on `hosts`, addresses of the loopback, each of which answers with its address. */
export async function dnsMesh(
  hosts: readonly string[],
  {
    zone,
    options = {},
    query = '',
  }: { zone?: DnsServerOptions['zone']; options?: Partial<ServiceOptions>; query?: string } = {},
): Promise<DnsMesh> {
  const backends = new Map<string, Faultd>();
  let port = 0;
  for (const host of hosts) {
    const backend = await Faultd.start(
      always((peer) => void peer.respond(200, host)),
      { host, port },
    );
    port = backend.port;
    backends.set(host, backend);
    onTestFinished(() => backend.close());
  }
  const dns = await DnsServer.start(zone === undefined ? {} : { zone });
  onTestFinished(() => dns.close());
  const clock = new ManualClock();
  const target = `dns://${NAME}:${port}?server=${dns.address}${query}`;
  const mesh = createMesh({
    services: { svc: { target, ...options } },
    clock,
    random: seededRandom(1),
    log: silentLogger,
  });
  const watch = new Invariants(mesh);
  const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));
  return {
    clock,
    dns,
    mesh,
    watch,
    backends,
    async traffic(ms, step = 100) {
      const answers = new Set<string>();
      for (let passed = 0; passed < ms; passed += step) {
        answers.add(await watch.call(() => send(mesh).then(({ text }) => text, String)));
        await clock.advance(step);
        await turn();
      }
      return answers;
    },
    async until(done, step = 20) {
      for (let turns = 0; !done(); turns++) {
        if (turns === 5_000) throw new Error('it did not come about');
        await turn();
        await clock.advance(step);
      }
    },
    state: () => mesh._runtimes.get('svc')?.cluster.snapshot?.state,
  };
}
