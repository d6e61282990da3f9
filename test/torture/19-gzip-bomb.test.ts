import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { expect, it, onTestFinished } from 'vitest';
import { delay } from '../kit/faultd.ts';
import { torture } from './kit.ts';

const MB = 1_048_576;
/** 16 MB of zeros in 16 KB, 640 times over: a stream of gzip may have many members. 10 GB in 10 MB. */
const MEMBER = gzipSync(Buffer.alloc(16 * MB));
const BOMB = Buffer.concat(Array.from({ length: 640 }, () => MEMBER));

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const bomb: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': BOMB.length });
  response.end(BOMB);
};

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes outside of the heap and in it that are in use. */
const inUse = (): number => {
  collect();
  const { external, heapUsed } = process.memoryUsage();
  return external + heapUsed;
};

const length = ({ value }: { value?: Uint8Array }): number => value?.length ?? Infinity;

it('19 gzip-bomb: is inflated as far as it is read and no further', async () => {
  const address = await serve(bomb);
  const { mesh, watch } = torture([address]);
  const before = inUse();
  let most = 0;
  await watch.call(async () => {
    const response = await mesh.fetch('http://svc/');
    const reader = response.body!.getReader();
    for (let part = 0; part < 8; part++) {
      for (let read = 0; read < 16 * MB;) read += length(await reader.read());
      most = Math.max(most, inUse() - before);
    }
    await delay(100);
    most = Math.max(most, inUse() - before);
    await reader.cancel();
  });
  expect(most).toBeLessThan(64 * MB);
  await watch.check({ healthy: [address] });
});

it('19 gzip-bomb: that nobody reads stays as small as it came, and its connection goes with its deadline', async () => {
  const address = await serve(bomb);
  const { mesh, watch } = torture([address], { deadline: 300, attemptTimeout: 200, connectTimeout: 100 });
  const before = inUse();
  const response = await watch.call(() => mesh.fetch('http://svc/'));
  await delay(200);
  expect(inUse() - before).toBeLessThan(16 * MB);
  await delay(200);
  await expect(response.text()).rejects.toThrow('terminated');
  await watch.check({ healthy: [address] });
});

it('19 6 encodings: are refused before anything is inflated; five of them are taken off', async () => {
  let layers = 6;
  const address = await serve((_request, response) => {
    let body: Buffer = Buffer.from('peeled');
    for (let layer = 0; layer < layers; layer++) body = gzipSync(body);
    response.writeHead(200, { 'content-encoding': Array(layers).fill('gzip').join(', ') });
    response.end(body);
  });
  const { mesh, watch } = torture([address]);
  const error = await watch.call(() => mesh.fetch('http://svc/').catch((reason: unknown) => reason));
  expect(error).toBeInstanceOf(TypeError);
  expect(String((error as TypeError).cause)).toContain('too many content-encodings in response: 6');
  layers = 5;
  expect(await watch.call(async () => (await mesh.fetch('http://svc/')).text())).toBe('peeled');
  await watch.check({ healthy: [address] });
});
