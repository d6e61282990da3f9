import { afterAll, expect, it } from 'vitest';
import type { ServiceOptions } from '../../src/index.ts';
import type { Invariants } from '../kit/invariants.ts';
import { delay } from '../kit/faultd.ts';
import { newIdentity } from '../kit/certificates.ts';
import { Child } from './children/child.ts';
import { send, torture } from './kit.ts';

const CALLS = 60;
const LATENCY = 20;
const TIMEOUT = 250;
const SETTINGS = { attemptTimeout: TIMEOUT, connectTimeout: TIMEOUT, retry: false } as const;

/** Nothing else runs in this process for so long, ms; when it goes on, timers are next, and only then sockets. */
async function block(ms: number): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  const end = performance.now() + ms;
  while (performance.now() < end);
}

const plain = Child.start('servers.ts', [20, LATENCY]);
const identity = await newIdentity();
const secure = Child.start('servers.ts', [20, LATENCY, identity]);
afterAll(() => Promise.all([plain.stop(), secure.stop()]));

/** A mesh over twenty servers in another process, and a burst of calls over it, which tells what was not answered. */
async function twenty(
  options: Partial<ServiceOptions>,
  child = plain,
): Promise<{ burst: () => Promise<string[]>; check: () => Promise<void> }> {
  const addresses = await child.told<string[]>('addresses');
  const { mesh, watch } = torture(addresses, { ...SETTINGS, ...options });
  const one = (watching: Invariants): Promise<string> =>
    watching.call(() =>
      send(mesh).then(
        ({ text }) => text,
        (error: unknown) => String(error),
      ),
    );
  return {
    burst: async () => {
      const texts = await Promise.all(Array.from({ length: CALLS }, () => one(watch)));
      return texts.filter((text) => text !== 'ok');
    },
    check: async () => {
      const rates = mesh
        .service('svc')
        .endpoints()
        .map(({ successRate }) => successRate);
      expect(new Set(rates), 'nobody is blamed').toEqual(new Set([1]));
      await watch.check({ healthy: addresses });
    },
  };
}

it.each([
  ['before anything is connected', 0, 350],
  ['while connecting', 1, 450],
])(
  '48 loop-block: a process that stands still %s blames no endpoint and loses no answer',
  async (_, after, blocked) => {
    const { burst, check } = await twenty({});
    const calls = burst();
    if (after > 0) await delay(after);
    await block(blocked);
    expect(await calls).toEqual([]);
    await check();
  },
);

it('48 loop-block: a process that stands still while TLS shakes hands gives it its time again', async () => {
  const { burst, check } = await twenty(
    { protocol: 'https', tls: { ca: identity.cert, checkServerIdentity: () => undefined }, attemptTimeout: '5s' },
    secure,
  );
  const calls = burst();
  await block(500);
  expect(await calls).toEqual([]);
  await check();
});

it.each([
  ['longer than the timeout', 350],
  ['so that timeouts are only just late', TIMEOUT + 5],
  ['for very long', 1_200],
])(
  '48 loop-block: a process that stands still %s while answers come in blames no endpoint and loses none',
  async (_, blocked) => {
    const { burst, check } = await twenty({});
    expect(await burst()).toEqual([]);
    const calls = burst();
    await delay(5);
    await block(blocked);
    expect(await calls).toEqual([]);
    await check();
  },
);

it('48 loop-block: an answer that came before the deadline is delivered, though the process was not there to read it', async () => {
  const { burst, check } = await twenty({ deadline: 300 });
  expect(await burst()).toEqual([]);
  const calls = burst();
  await delay(10);
  await block(400);
  expect(await calls).toEqual([]);
  await check();
});
