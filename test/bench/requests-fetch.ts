// fetch + json, and what people assemble by hand.
import http from 'node:http';
import axios from 'axios';
import { circuitBreaker, ConsecutiveBreaker, handleAll, retry, wrap } from 'cockatiel';
import got from 'got';
import ky from 'ky';
import CircuitBreaker from 'opossum';
import pRetry from 'p-retry';
import { Agent } from 'undici';
import { createMesh } from '../../src/index.ts';
import { measure } from './kit.ts';

await measure('fetch + json, and what people assemble by hand', ([port]) => {
  const url = `http://127.0.0.1:${port}/v1/items`;
  const mesh = createMesh({ services: { orders: `static://127.0.0.1:${port}` } });
  const agent = new Agent({ connections: 1024 });
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
  return [
    { name: "Node's fetch", run: async () => (await fetch(url)).json() },
    { name: 'inmesh mesh.fetch', run: async () => (await mesh.fetch('http://orders/v1/items')).json() },
    { name: 'fetch + opossum + p-retry', run: async () => (await pRetry(() => breaker.fire(), { retries: 2 })).json() },
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
  ];
});
