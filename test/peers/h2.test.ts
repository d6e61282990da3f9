import { afterEach, describe, expect, it } from 'vitest';
import { createMesh } from '../../src/index.ts';
import { load, repeat, sleep } from './kit/load.ts';
import { startNghttpd } from './kit/nghttpd.ts';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

type Settings = Exclude<Parameters<typeof createMesh>[0]['services'][string], string>;

function meshOf(orders: Settings): ReturnType<typeof createMesh> {
  const mesh = createMesh({ services: { orders } });
  cleanups.push(() => mesh.destroy());
  return mesh;
}

describe('nghttpd', () => {
  it('is spoken to over h2c', async () => {
    const peer = await startNghttpd();
    cleanups.push(() => peer.stop());
    const mesh = meshOf({ target: `static://127.0.0.1:${peer.port}`, protocol: 'h2c' });
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => (await mesh.fetch('http://orders/')).text()),
    );
    expect(new Set(answers)).toEqual(new Set(['nghttpd']));
  });

  it('is spoken to over h2 with TLS, verified by the name of the service rather than its address', async () => {
    const peer = await startNghttpd({ tls: true });
    cleanups.push(() => peer.stop());
    const target = `static://127.0.0.1:${peer.port}`;
    const mesh = meshOf({ target, protocol: 'h2', tls: { ca: peer.ca! } });
    expect(await (await mesh.fetch('http://orders/')).text()).toBe('nghttpd');
    const stranger = meshOf({ target, protocol: 'h2', tls: { ca: peer.ca!, servername: 'billing' } });
    await expect(stranger.fetch('http://orders/')).rejects.toMatchObject({ cause: { code: 'INMESH_TLS' } });
  });

  it('that allows one stream at a time answers many requests all the same', async () => {
    const peer = await startNghttpd({ args: ['-m', '1'] });
    cleanups.push(() => peer.stop());
    const mesh = meshOf({ target: `static://127.0.0.1:${peer.port}`, protocol: 'h2c' });
    const answers = await Promise.all(
      Array.from({ length: 40 }, async () => (await mesh.fetch('http://orders/')).text()),
    );
    expect(answers).toEqual(Array.from({ length: 40 }, () => 'nghttpd'));
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'that dies of %s under load fails no request while a sibling lives',
    async (signal) => {
      const sibling = await startNghttpd();
      cleanups.push(() => sibling.stop());
      let mortal = await startNghttpd();
      cleanups.push(() => mortal.stop());
      const { port } = mortal;
      const target = `static://127.0.0.1:${port},127.0.0.1:${sibling.port}`;
      const mesh = meshOf({ target, protocol: 'h2c' });
      const deaths = repeat(3, 700, async () => {
        await mortal.stop(signal);
        await sleep(300);
        mortal = await startNghttpd({ port });
      });
      const { sent, failures } = await load(mesh.fetch, 'http://orders/', 200, deaths);
      expect(failures).toEqual({});
      expect(sent).toBeGreaterThan(400);
    },
  );
});
