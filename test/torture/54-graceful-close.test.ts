import { afterEach, expect, it } from 'vitest';
import { always, delay, Faultd } from '../kit/faultd.ts';
import { Child, type Ending } from './children/child.ts';

/** How the child's calls ended. */
interface Report {
  /** Of the hundred that were in flight: `ok`, or a code. */
  readonly ends: Readonly<Record<string, number>>;
  /** One that came after. */
  readonly late: string;
  /** How long `close` took, ms. */
  readonly took: number;
}

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A server that answers after `latency` ms, and a child with a hundred calls to it in flight. */
async function start(latency: number, drain: string): Promise<{ server: Faultd; child: Child }> {
  const server = await Faultd.start(
    always(async (peer) => {
      await delay(latency);
      peer.respond();
    }),
  );
  closing.push(() => server.close());
  const child = Child.start('closes-on-sigterm.ts', [server.address, drain]);
  closing.push(() => child.stop());
  await child.told('calling');
  while (server.requests < 100) await delay(5);
  return { server, child };
}

const exited: Partial<Ending> = { code: 0, signal: null, stderr: '' };

it('54 graceful-close: what is in flight finishes, what is new is refused, and the process ends by itself', async () => {
  const { server, child } = await start(400, '5s');
  child.process.kill('SIGTERM');
  const { ends, late, took } = await child.told<Report>('report');
  expect(ends).toEqual({ ok: 100 });
  expect(late).toBe('INMESH_CLOSED');
  expect(took).toBeLessThan(5_000);
  expect(await child.ended).toMatchObject(exited);
  expect(server.requests).toBe(100);
});

it('54 graceful-close: what outlasts the drain is cut with a typed error', async () => {
  const { child } = await start(60_000, '200ms');
  child.process.kill('SIGTERM');
  const { ends, took } = await child.told<Report>('report');
  expect(ends).toEqual({ INMESH_CLOSED: 100 });
  expect(took).toBeGreaterThanOrEqual(190);
  expect(took).toBeLessThan(5_000);
  expect(await child.ended).toMatchObject(exited);
});

it('54 graceful-close: a second signal cuts at once', async () => {
  const { child } = await start(60_000, '60s');
  child.process.kill('SIGTERM');
  await child.told('closing');
  child.process.kill('SIGTERM');
  const { ends, took } = await child.told<Report>('report');
  expect(ends).toEqual({ INMESH_CLOSED: 100 });
  expect(took).toBeLessThan(5_000);
  expect(await child.ended).toMatchObject(exited);
});

it('54 graceful-close: closing in the midst of connecting leaves nothing that keeps the process', async () => {
  const busy = Child.start('busy-listener.ts');
  closing.push(() => busy.stop());
  const address = await busy.told<string>('address');
  const child = Child.start('closes-on-sigterm.ts', [address, '100ms']);
  closing.push(() => child.stop());
  await child.told('calling');
  await delay(50);
  child.process.kill('SIGTERM');
  const { ends } = await child.told<Report>('report');
  expect(ends).toEqual({ INMESH_CLOSED: 100 });
  const began = performance.now();
  expect(await child.ended).toMatchObject(exited);
  expect(performance.now() - began).toBeLessThan(5_000);
});
