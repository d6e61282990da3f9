/**
 * What following a large Service costs: 10,000 endpoints in 100 EndpointSlices. The API server is a process of its own.
 *
 *     node --expose-gc test/bench/kubernetes.ts
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createEnv } from '../../src/core/env.ts';
import { silentLogger } from '../../src/core/log.ts';
import { Cluster } from '../../src/discovery/kubernetes/cluster.ts';
import { ServiceEndpoints } from '../../src/discovery/kubernetes/endpoints.ts';
import { Holds } from '../../src/discovery/kubernetes/holds.ts';
import { kubernetesResolver } from '../../src/discovery/kubernetes/resolver.ts';
import { readSlice, type Slice, Strings } from '../../src/discovery/kubernetes/slice.ts';
import { parseObject } from '../../src/discovery/kubernetes/stream.ts';
import { createMesh } from '../../src/index.ts';
import type { EndpointInfo } from '../../src/model/endpoint.ts';
import { resolverOf } from '../../src/resolver/index.ts';
import { ApiServer, slice, type SliceObject } from '../kit/apiserver.ts';
import { median } from './kit.ts';

const SLICES = 100;
const EACH = 100;

/** How many pods of a slice each event replaces. */
const REPLACED = 5;

/** A slice as real ones are: references, nodes, zones, hints. */
function make(index: number, round: number): SliceObject {
  const endpoints = Array.from({ length: EACH }, (_, at) => ({
    // The round in which the pod at this place was replaced last.
    addresses: [`10.${index}.${Math.floor((round - at / REPLACED) / (EACH / REPLACED)) + 1}.${at}`],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `ip-10-0-${at % 50}-${index}.eu-central-1.compute.internal`,
    targetRef: {
      kind: 'Pod',
      namespace: 'shop',
      name: `orders-7d9c8b5f4-${index}x${at}`,
      uid: `0b5c1f3e-${index}-${at}`,
    },
    zone: `eu-central-1${'abc'[at % 3]}`,
    hints: { forZones: [{ name: `eu-central-1${'abc'[at % 3]}` }] },
  }));
  return slice(`orders-${index}`, endpoints);
}

function hashOf(addresses: readonly string[]): string {
  return createHash('sha256').update(addresses.toSorted().join()).digest('hex');
}

interface Command {
  readonly streamed?: boolean;
  readonly perSecond?: number;
  readonly seconds?: number;
}

/** The API server's process: says its address, changes slices at a pace, says what there is by hash. */
async function serve(): Promise<void> {
  const api = await ApiServer.start();
  for (let index = 0; index < SLICES; index++) api.apply(make(index, 0));
  process.on('message', ({ streamed, perSecond = 0, seconds = 0 }: Command) => {
    if (streamed !== undefined) {
      api.streamsLists = streamed;
      return;
    }
    let sent = 0;
    const begun = performance.now();
    const timer = setInterval(() => {
      const due = Math.min(perSecond * seconds, ((performance.now() - begun) / 1_000) * perSecond);
      for (; sent < due; sent++) api.apply(make(sent % SLICES, 1 + Math.floor(sent / SLICES)));
      if (sent < perSecond * seconds) return;
      clearInterval(timer);
      const addresses = api.objects.flatMap(({ endpoints }) =>
        (endpoints as { addresses: string[] }[]).map((endpoint) => `${endpoint.addresses[0]}:80`),
      );
      process.send!({ hash: hashOf(addresses), took: performance.now() - begun });
    }, 10);
  });
  process.send!(api.url);
}

function watch(url: string, onChange: (endpoints: readonly EndpointInfo[]) => void): () => void {
  const env = createEnv({ log: silentLogger });
  const read = () => Promise.resolve({ server: url, token: undefined, headers: {}, tls: {}, namespace: 'shop' });
  const cluster = new Cluster({ name: url, read, refused() {} }, env);
  const target = { namespace: 'shop', service: 'orders', port: 'http' };
  return kubernetesResolver('k8s://shop/orders:http', target, () => cluster, env).watch(({ endpoints }) =>
    onChange(endpoints),
  );
}

/** Runs `task` and says how long it took and for how long nothing else could run, at worst; ms. */
async function watched(task: () => Promise<unknown>): Promise<{ took: number; block: number }> {
  let block = 0;
  let last = performance.now();
  let running = true;
  const look = (): void => {
    const now = performance.now();
    block = Math.max(block, now - last);
    last = now;
    if (running) setImmediate(look);
  };
  setImmediate(look);
  const begin = performance.now();
  await task();
  running = false;
  return { took: performance.now() - begin, block };
}

async function listing(server: ChildProcess, url: string): Promise<void> {
  for (const streamed of [true, false]) {
    server.send({ streamed } satisfies Command);
    await new Promise((done) => setTimeout(done, 100));
    for (const how of ['discovery', 'mesh'] as const) {
      const runs: { took: number; block: number }[] = [];
      for (let run = 0; run < 7; run++) {
        globalThis.gc?.();
        if (how === 'discovery') {
          let stop = (): void => {};
          const all = (): Promise<void> =>
            new Promise((done) => (stop = watch(url, (endpoints) => endpoints.length === SLICES * EACH && done())));
          runs.push(await watched(all));
          stop();
        } else {
          const mesh = createMesh({ services: { orders: 'k8s://shop/orders:http' }, kubernetes: { server: url } });
          runs.push(await watched(() => mesh.ready()));
          await mesh.close();
        }
      }
      const [first, ...rest] = runs;
      const of = (field: 'took' | 'block'): string => median(rest.map((one) => one[field])).toFixed(1);
      console.log(
        `list${streamed ? ', streamed' : ' in pages'}, to ${how}: ${of('took')} ms, longest block ${of('block')} ms (first time ${first!.block.toFixed(1)} ms)`,
      );
    }
  }
}

/** The synchronous cost of one event: from its bytes to a snapshot told. */
async function oneEvent(): Promise<void> {
  const strings = new Strings();
  const slices = new Map<string, Slice>();
  for (let index = 0; index < SLICES; index++) {
    const one = readSlice(make(index, 0), strings)!;
    slices.set(one.name, one);
  }
  const place = { zone: 'eu-central-1a', node: undefined };
  const service = new ServiceEndpoints({ name: 'shop/orders', port: 'http', place, family: 4 });
  const holds = new Holds();
  let told = 0;
  const times: number[] = [];
  await new Promise<void>((done) => {
    const env = createEnv({ log: silentLogger });
    resolverOf('bench', env, (feed) => {
      queueMicrotask(() => {
        for (let run = 0; run < 400; run++) {
          const line = JSON.stringify({ type: 'MODIFIED', object: make(run % SLICES, 1 + run) });
          const begin = performance.now();
          const changed = readSlice(parseObject(line)['object'], strings)!;
          slices.set(changed.name, changed);
          const found = service.of(slices);
          if (!('endpoints' in found)) throw new Error('no endpoints');
          feed.good(
            holds.over(found.endpoints, (address) => service.names(address), run * 2_000).endpoints,
            undefined,
            true,
          );
          times.push(performance.now() - begin);
        }
        done();
      });
      return { stop() {} };
    }).watch(() => told++);
  });
  const warm = times.slice(100).toSorted((a, b) => a - b);
  console.log(
    `one event of ${EACH} endpoints, applied and told: median ${median(warm).toFixed(2)} ms, p99 ${warm[Math.floor(warm.length * 0.99)]!.toFixed(2)} ms (${told} told)`,
  );
}

async function sustained(server: ChildProcess, url: string): Promise<void> {
  let endpoints: readonly EndpointInfo[] = [];
  let snapshots = 0;
  const stop = watch(url, (now) => {
    endpoints = now;
    snapshots++;
  });
  while (endpoints.length < SLICES * EACH) await new Promise((turn) => setTimeout(turn, 10));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  for (const perSecond of [66, 1_000]) {
    await new Promise((turn) => setTimeout(turn, 1_500));
    delay.enable();
    delay.reset();
    snapshots = 0;
    const cpu = process.cpuUsage();
    server.send({ perSecond, seconds: 10 } satisfies Command);
    const [{ hash, took }] = (await once(server, 'message')) as [{ hash: string; took: number }];
    const used = process.cpuUsage(cpu);
    const begin = performance.now();
    const current = (): string => hashOf(endpoints.map(({ address }) => address));
    // What vanished is held for a second.
    while (current() !== hash && performance.now() - begin < 5_000) await new Promise((turn) => setTimeout(turn, 50));
    delay.disable();
    const share = (used.user + used.system) / 1_000 / took;
    console.log(
      `${perSecond} events a second, ${Math.round((perSecond * 10 * 1_000) / took)} met: ${(share * 100).toFixed(0)} % of a core, loop delay p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms, ${snapshots} snapshots, the set is ${current() === hash ? "the server's" : 'WRONG'} by hash`,
    );
  }
  stop();
}

async function memory(url: string): Promise<void> {
  const used = (): number => {
    globalThis.gc?.();
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  };
  const turns = (): Promise<void> => new Promise((turn) => setTimeout(turn, 300));
  await turns();
  const before = used();
  let count = 0;
  const stop = watch(url, (endpoints) => (count = endpoints.length));
  while (count === 0) await turns();
  await turns();
  console.log(`memory: ${Math.round((used() - before) / count)} bytes of heap for each endpoint followed`);
  stop();
}

if (process.send === undefined) {
  const server = fork(import.meta.filename, { stdio: 'inherit' });
  const [url] = (await once(server, 'message')) as [string];
  await listing(server, url);
  await oneEvent();
  await memory(url);
  await sustained(server, url);
  server.kill();
  process.exit();
} else await serve();
