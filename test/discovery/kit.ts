import { onTestFinished } from 'vitest';
import { createEnv, type Env } from '../../src/core/env.ts';
import { silentLogger } from '../../src/core/log.ts';
import { seededRandom } from '../../src/core/random.ts';
import type { AccessSource } from '../../src/discovery/kubernetes/access.ts';
import { Cluster } from '../../src/discovery/kubernetes/cluster.ts';
import { kubernetesResolver } from '../../src/discovery/kubernetes/resolver.ts';
import { parseKubernetesTarget } from '../../src/discovery/kubernetes/target.ts';
import type { Resolver } from '../../src/model/snapshot.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { ApiServer } from '../kit/apiserver.ts';
import { type Watching, watching } from '../resolver/kit.ts';

export interface World {
  readonly clock: ManualClock;
  readonly api: ApiServer;
  readonly env: Env;
  readonly cluster: Cluster;
  readonly watch: (target: string) => Watching;
  /** Lets time pass, `step` ms at a time, with room for real sockets, until it is so. */
  readonly pass: (until: () => boolean, step?: number) => Promise<void>;
  /** Lets so much time pass. */
  readonly wait: (ms: number, step?: number) => Promise<void>;
}

/** Access without files to a server. */
export function accessTo(server: () => string, token: () => string | undefined = () => undefined): AccessSource {
  const read = () => Promise.resolve({ server: server(), token: token(), headers: {}, tls: {}, namespace: 'shop' });
  return { name: 'the fake', read, refused() {} };
}

/** A fake API server, a manual clock, and a cluster between them. */
export async function world({
  token,
  seed = 1,
}: { token?: () => string | undefined; seed?: number } = {}): Promise<World> {
  const clock = new ManualClock();
  const env = createEnv({ clock, random: seededRandom(seed), log: silentLogger });
  const api = await ApiServer.start({ now: () => clock.now() });
  const { url } = api;
  const cluster = new Cluster(
    accessTo(() => url, token),
    env,
  );
  onTestFinished(() => api.close());
  const pass = async (until: () => boolean, step = 5): Promise<void> => {
    const patience = performance.now() + 18_000;
    while (!until()) {
      if (performance.now() > patience) throw new Error(`waited in vain for ${until.toString()}`);
      await breathe();
      await clock.advance(step);
      await breathe();
    }
  };
  return {
    clock,
    api,
    env,
    cluster,
    pass,
    watch(target) {
      const seen = watching(resolverTo(cluster, target, env));
      onTestFinished(() => seen.stop());
      return seen;
    },
    async wait(ms, step) {
      const end = clock.now() + ms;
      await pass(() => clock.now() >= end, step);
    },
  };
}

export function resolverTo(cluster: Cluster, target: string, env: Env): Resolver {
  const parsed = parseKubernetesTarget(target);
  if (typeof parsed === 'string') throw new Error(parsed);
  return kubernetesResolver(target, parsed, () => cluster, env);
}

/** Real sockets get a turn. */
async function breathe(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((done) => setImmediate(done));
  await new Promise((done) => setTimeout(done, 1));
}
