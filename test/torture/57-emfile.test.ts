import { expect, it } from 'vitest';
import { always, delay, Faultd } from '../kit/faultd.ts';
import { Child } from './children/child.ts';

/** What the child saw. */
interface Report {
  readonly ends: Readonly<Record<string, number>>;
  readonly messages: readonly string[];
  readonly states: readonly string[];
  readonly successRates: readonly number[];
  readonly later: Readonly<Record<string, number>>;
}

it('57 emfile: a process that may open no more files gets typed errors that blame itself, does not crash, and recovers', async () => {
  const servers = [0, 1].map(() =>
    Faultd.start(
      always(async (peer) => {
        await delay(100);
        peer.respond();
      }),
    ),
  );
  const [first, second] = await Promise.all(servers);
  const child = Child.start('few-files.ts', [first!.address, second!.address], { files: 64 });
  const { ends, messages, states, successRates, later } = await child.told<Report>('report');
  expect(Object.keys(ends).toSorted()).toEqual(['INMESH_OVERLOADED', 'ok']);
  expect(ends['ok']).toBeGreaterThanOrEqual(10);
  for (const message of messages) expect(message).toMatch(/EMFILE.*ulimit -n/s);
  expect(states).toEqual(['healthy', 'healthy']);
  expect(successRates).toEqual([1, 1]);
  expect(later).toEqual({ ok: 20 });
  expect(await child.ended).toMatchObject({ code: 0, stderr: '' });
  await first!.close();
  await second!.close();
});
