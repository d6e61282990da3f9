// What a request costs: inmesh against raw undici, against Node's fetch, and against what people assemble by hand.
import axios from 'axios';
import { circuitBreaker, ConsecutiveBreaker, handleAll, retry, wrap } from 'cockatiel';
import got from 'got';
import http from 'node:http';
import ky from 'ky';
import CircuitBreaker from 'opossum';
import pRetry from 'p-retry';
import { Agent, type Dispatcher, Pool } from 'undici';
import { createMesh } from '../../src/index.ts';
import { compare, startServer, table } from './kit.ts';

const quick = process.argv.includes('--quick');
const rounds = quick ? 8 : 40;
const { ports, stop } = await startServer();
const [port] = ports;
const url = `http://127.0.0.1:${port}/v1/items`;

/** The least that a handler can do. */
class Sink implements Dispatcher.DispatchHandler {
  readonly #resolve: () => void;
  readonly #reject: (error: Error) => void;
  constructor(resolve: () => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }
  onRequestStart(): void {}
  onResponseStart(): void {}
  onResponseData(): void {}
  onResponseEnd(): void {
    this.#resolve();
  }
  onResponseError(_controller: unknown, error: Error): void {
    this.#reject(error);
  }
}

const mesh = createMesh({ services: { orders: `static://127.0.0.1:${port}` } });
const three = createMesh({
  services: { orders: { target: `static://${ports.map((each) => `127.0.0.1:${each}`).join()}` } },
});
const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 1024 });
const agent = new Agent({ connections: 1024 });
const dispatch = (to: Dispatcher, origin: string) => (): Promise<void> =>
  new Promise((resolve, reject) =>
    to.dispatch({ origin, path: '/v1/items', method: 'GET' }, new Sink(resolve, reject)),
  );

console.log(
  `Node ${process.version}, 32 in flight, 1 KB answers, ${rounds} interleaved rounds, medians; ratios to the first line`,
);

console.log(
  table(
    'dispatch: all default policies against none',
    await compare(
      [
        { name: 'undici Pool.dispatch', run: dispatch(pool, `http://127.0.0.1:${port}`) },
        { name: 'inmesh mesh.dispatch', run: dispatch(mesh, 'http://orders') },
        { name: 'inmesh mesh.dispatch, three endpoints', run: dispatch(three, 'http://orders') },
      ],
      { rounds },
    ),
  ),
);

const text = async (to: Dispatcher, origin: string): Promise<string> => {
  const { body } = await to.request({ origin, path: '/v1/items', method: 'GET' });
  return body.text();
};
console.log(
  table(
    'request + text',
    await compare(
      [
        { name: 'undici Agent.request', run: () => text(agent, `http://127.0.0.1:${port}`) },
        { name: 'inmesh mesh.request', run: () => text(mesh, 'http://orders') },
      ],
      { rounds },
    ),
  ),
);

const breaker = new CircuitBreaker(async () => {
  const response = await fetch(url, { signal: AbortSignal.timeout(3_000) });
  if (response.status >= 500) throw new Error(String(response.status));
  return response;
});
const policy = wrap(
  retry(handleAll, { maxAttempts: 2 }),
  circuitBreaker(handleAll, { breaker: new ConsecutiveBreaker(5), halfOpenAfter: 5_000 }),
);
const keepAlive = new http.Agent({ keepAlive: true });
const byAxios = axios.create({ httpAgent: keepAlive, proxy: false });
const byGot = got.extend({ agent: { http: keepAlive } });

console.log(
  table(
    'fetch + json, and what people assemble by hand',
    await compare(
      [
        { name: "Node's fetch", run: async () => (await fetch(url)).json() },
        { name: 'inmesh mesh.fetch', run: async () => (await mesh.fetch('http://orders/v1/items')).json() },
        {
          name: 'fetch + opossum + p-retry',
          run: async () => (await pRetry(() => breaker.fire(), { retries: 2 })).json(),
        },
        {
          name: 'undici request + cockatiel',
          run: () =>
            policy.execute(async () => {
              const { body } = await agent.request({
                origin: `http://127.0.0.1:${port}`,
                path: '/v1/items',
                method: 'GET',
              });
              return body.json();
            }),
        },
        { name: 'axios', run: async () => (await byAxios.get(url)).data as unknown },
        { name: 'got', run: () => byGot(url).json() },
        { name: 'ky', run: () => ky(url).json() },
      ],
      { rounds: Math.ceil(rounds / 2) },
    ),
  ),
);

await Promise.all([mesh.close(), three.close(), pool.close(), agent.close()]);
stop();
process.exit(0);
