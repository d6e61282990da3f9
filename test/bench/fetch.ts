// CPU and throughput of createFetch against built-in fetch and undici.request, each with json().
// node test/bench/fetch.ts [seconds]: slices of the three take turns, medians are printed.
import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, Pool } from 'undici';
import { createFetch } from '../../src/transport/fetch/index.ts';

const BODY = JSON.stringify({
  items: Array.from({ length: 20 }, (_, id) => ({ id, name: `item ${id}`, price: id * 3 })),
});
const IN_FLIGHT = 32;
const SLICE = 300;

if (process.send) {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(BODY);
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
} else {
  const server = fork(import.meta.filename);
  const port = await new Promise<number>((resolve) => server.once('message', (message) => resolve(Number(message))));
  await compare(`http://127.0.0.1:${port}`, Number(process.argv[2] ?? 12));
  server.kill();
}

async function compare(origin: string, seconds: number): Promise<void> {
  const pool = new Pool(origin, { connections: IN_FLIGHT });
  const agent = new Agent({ connections: IN_FLIGHT });
  const fast = createFetch(pool);
  const url = `${origin}/v1/items?page=1`;
  const signal = new AbortController().signal;
  const contenders: Record<string, () => Promise<unknown>> = {
    'built-in fetch': async () => (await fetch(url)).json(),
    'createFetch(Pool)': async () => (await fast(url)).json(),
    'createFetch(Pool), signal and headers': async () =>
      (
        await fast(url, { method: 'POST', body: '{"a":1}', headers: { 'Content-Type': 'application/json' }, signal })
      ).json(),
    'undici.request (Agent)': async () =>
      (await agent.request({ origin, path: '/v1/items?page=1', method: 'GET' })).body.json(),
    'pool.request': async () => (await pool.request({ path: '/v1/items?page=1', method: 'GET' })).body.json(),
  };
  const names = Object.keys(contenders);
  const figures = new Map(names.map((name): [string, { rate: number; cpu: number }[]] => [name, []]));
  const rounds = Math.max(3, Math.round((seconds * 1000) / (SLICE * names.length)));
  for (let round = -1; round < rounds; round++) {
    // Each round begins with another, so that none always runs in the wake of the same neighbour.
    const turn = (round + names.length) % names.length;
    for (const name of [...names.slice(turn), ...names.slice(0, turn)]) {
      const figure = await slice(contenders[name]!);
      if (round >= 0) figures.get(name)!.push(figure);
    }
  }
  const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
  const rows = names.map((name) => ({
    name,
    rate: median(figures.get(name)!.map(({ rate }) => rate)),
    cpu: median(figures.get(name)!.map(({ cpu }) => cpu)),
  }));
  console.log(
    `Node ${process.version}, ${BODY.length} bytes, ${IN_FLIGHT} in flight, ${rounds} slices of ${SLICE} ms each`,
  );
  for (const { name, rate, cpu } of rows) {
    const times = (rate / rows[0]!.rate).toFixed(2);
    console.log(
      `${name.padEnd(38)} ${rate.toFixed(0).padStart(7)} req/s  ${cpu.toFixed(1).padStart(6)} µs CPU  ${times} x`,
    );
  }
  await Promise.all([pool.close(), agent.close()]);
}

async function slice(one: () => Promise<unknown>): Promise<{ rate: number; cpu: number }> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  let done = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() - start < SLICE) {
      await one();
      done++;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const { user, system } = process.cpuUsage(cpu);
  return { rate: (done / (performance.now() - start)) * 1000, cpu: (user + system) / done };
}
