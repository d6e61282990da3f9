import type { Dispatcher } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createMesh, isMeshError, type Mesh } from '../../src/index.ts';
import { silentLogger } from '../../src/core/log.ts';
import { always, delay, Faultd, type Script } from '../kit/faultd.ts';

/** A handler in the style of undici 6 and of the fetch of Node 22 and 24. */
class Older {
  readonly told: string[] = [];
  readonly ended: Promise<void>;
  /** Whether it takes the next chunk, or wants to be asked for it. */
  eager = true;
  abort!: (reason?: Error) => void;
  resume!: () => void;
  error: unknown;
  headers: string[] = [];
  trailers: string[] = [];
  #end!: () => void;

  constructor() {
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  onConnect(abort: (reason?: Error) => void): void {
    this.abort = abort;
    this.told.push('connect');
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void): boolean {
    this.resume = resume;
    this.headers = headers.map(String);
    this.told.push(String(status));
    return this.eager;
  }

  onData(chunk: Buffer): boolean {
    this.told.push(chunk.toString());
    return this.eager;
  }

  onComplete(trailers: Buffer[]): void {
    this.trailers = (trailers ?? []).map(String);
    this.told.push('complete');
    this.#end();
  }

  onError(error: Error): void {
    this.error = error;
    this.told.push('error');
    this.#end();
  }
}

async function sending(script: Script, handler: Older, unknown = false): Promise<Mesh> {
  const server = await Faultd.start(script);
  onTestFinished(() => server.close());
  const mesh = createMesh({ services: { orders: `static://${server.address}` }, log: silentLogger });
  onTestFinished(() => mesh.close());
  mesh.dispatch(
    { origin: unknown ? 'http://nobody' : 'http://orders', path: '/', method: 'GET' },
    handler as unknown as Dispatcher.DispatchHandler,
  );
  return mesh;
}

describe('a handler of undici 6', () => {
  it('gets head, body and trailers', async () => {
    const handler = new Older();
    await sending(
      always(
        (peer) =>
          void peer.write(
            'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx-a: b\r\n\r\n2\r\nok\r\n0\r\nx-end: yes\r\n\r\n',
          ),
      ),
      handler,
    );
    await handler.ended;
    expect(handler.told).toEqual(['connect', '200', 'ok', 'complete']);
    expect(handler.headers).toEqual(['transfer-encoding', 'chunked', 'x-a', 'b']);
    expect(handler.trailers).toEqual(['x-end', 'yes']);
  });

  it('that returns false gets nothing more until it asks', async () => {
    const handler = new Older();
    handler.eager = false;
    await sending(
      always(async (peer) => {
        peer.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na');
        await delay(20);
        peer.write('b');
      }),
      handler,
    );
    await expect.poll(() => handler.told).toEqual(['connect', '200']);
    await delay(40);
    expect(handler.told).toEqual(['connect', '200']);
    handler.resume();
    await expect.poll(() => handler.told).toEqual(['connect', '200', 'a']);
    handler.eager = true;
    handler.resume();
    await handler.ended;
    expect(handler.told).toEqual(['connect', '200', 'a', 'b', 'complete']);
  });

  it('can abort before the head, and in the body', async () => {
    const waiting = new Older();
    await sending(() => {}, waiting);
    waiting.abort();
    await waiting.ended;
    expect(waiting.told).toEqual(['connect', 'error']);

    const reading = new Older();
    await sending(
      always((peer) => void peer.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na')),
      reading,
    );
    await expect.poll(() => reading.told).toEqual(['connect', '200', 'a']);
    reading.abort(new Error('enough'));
    await reading.ended;
    expect(reading.told).toEqual(['connect', '200', 'a', 'error']);
    expect(reading.error).toEqual(new Error('enough'));
  });

  it('is told of what goes wrong, by name', async () => {
    const handler = new Older();
    await sending(() => {}, handler, true);
    await handler.ended;
    expect(isMeshError(handler.error, 'INMESH_UNKNOWN_SERVICE')).toBe(true);
  });
});
