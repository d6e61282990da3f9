import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { isMeshError, type Mesh } from '../../src/index.ts';
import { Faultd } from '../kit/faultd.ts';
import { send, torture } from './kit.ts';

const CHUNK = 65_536;
/** What the kernel's buffers on both sides and the pipe between take; a body that were read without regard would be 20 times that. */
const BOUND = 16 * 1_048_576;

/** A body of 320 MiB, and how much of it was asked for and whether it was let go. */
function upload(): { body: AsyncGenerator<Buffer>; read: { bytes: number; released: boolean } } {
  const read = { bytes: 0, released: false };
  async function* chunks(): AsyncGenerator<Buffer> {
    try {
      while (read.bytes < 320 * 1_048_576) {
        read.bytes += CHUNK;
        yield Buffer.alloc(CHUNK);
        // A source is never faster than one turn of the loop.
        await sleep(0);
      }
    } finally {
      read.released = true;
    }
  }
  return { body: chunks(), read };
}

type Send = (mesh: Mesh, body: AsyncGenerator<Buffer>) => Promise<unknown>;

const DOORS: [string, Send][] = [
  [
    'a stream through request',
    (mesh, body) => send(mesh, { method: 'PUT', body: Readable.from(body, { objectMode: false }) }),
  ],
  ['an iterable through request', (mesh, body) => send(mesh, { method: 'PUT', body: body as never })],
  [
    'a stream through fetch',
    (mesh, body) =>
      mesh.fetch('http://svc/', {
        method: 'PUT',
        body: ReadableStream.from(body),
        duplex: 'half',
      }),
  ],
];

it.each(DOORS)(
  '12 accept-never-read: %s to who never reads is held back, given up in time, and let go',
  async (door, put) => {
    const server = await Faultd.start((peer) => void peer.socket.pause());
    const { mesh, watch } = torture([server.address], { deadline: 700, attemptTimeout: 400 });
    const { body, read } = upload();
    const before = process.memoryUsage.rss();
    const error: unknown = await watch.call(() => put(mesh, body).catch((reason: unknown) => reason), 700);
    expect(isMeshError(error)).toBe(true);
    expect(isMeshError(error, 'INMESH_ATTEMPT_TIMEOUT') || isMeshError(error, 'INMESH_DEADLINE_EXCEEDED')).toBe(true);
    expect(read.bytes).toBeGreaterThan(CHUNK);
    expect(read.bytes).toBeLessThan(BOUND);
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 1_048_576);
    await sleep(20);
    // Built-in fetch reads streams for its mesh, and never lets go of the one that it was reading.
    expect(read.released).toBe(!door.includes('fetch'));
    expect(server.connections).toBe(1);
    await watch.check();
    await server.close();
  },
);
