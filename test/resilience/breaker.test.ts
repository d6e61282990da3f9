import { afterEach, describe, expect, it, vi } from 'vitest';
import { createEnv } from '../../src/core/env.ts';
import { isMeshError, MeshError } from '../../src/core/errors.ts';
import { silentLogger } from '../../src/core/log.ts';
import { seededRandom } from '../../src/core/random.ts';
import { type Breaker, type BreakerSettings, createBreaker } from '../../src/resilience/breaker/index.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

const SETTINGS: BreakerSettings = { errorRate: 0.5, volume: 20, window: 10_000, open: 5_000, openCap: 60_000 };
const refused = new MeshError('INMESH_CONNECT_FAILED', 'connection refused');

function start(given: Partial<BreakerSettings> = {}, random = () => 0) {
  const clock = new ManualClock();
  const env = createEnv({ clock, random, log: silentLogger });
  const breaker = createBreaker({ ...SETTINGS, ...given }, env, 'orders');
  const changes: string[] = [];
  breaker.onChange((state) => changes.push(state));
  return { clock, breaker, changes };
}

function succeed(breaker: Breaker, times = 1): void {
  for (let i = 0; i < times; i++) void breaker.report(breaker.admit(), 'success');
}

async function fail(breaker: Breaker, times = 1): Promise<void> {
  for (let i = 0; i < times; i++) await breaker.report(breaker.admit(), 'failure', refused);
}

function isRefusing(breaker: Breaker): boolean {
  try {
    breaker.admit();
    return false;
  } catch (error) {
    return isMeshError(error, 'INMESH_BREAKER_OPEN');
  }
}

async function trip(breaker: Breaker): Promise<void> {
  await fail(breaker, SETTINGS.volume);
  expect(breaker.state).toBe('open');
}

afterEach(() => void vi.restoreAllMocks());

describe('a closed breaker', () => {
  it('opens when half of the calls of the window failed, and not before twenty have ended', async () => {
    const { breaker, changes } = start();
    await fail(breaker, 19);
    expect(breaker.state).toBe('closed');
    await fail(breaker);
    expect(breaker.state).toBe('open');
    expect(isRefusing(breaker)).toBe(true);
    expect(changes).toEqual(['open']);
  });

  it('stays closed while fewer than the error rate fail, and opens when it is reached exactly', async () => {
    const { breaker } = start();
    succeed(breaker, 20);
    await fail(breaker, 19);
    expect(breaker.state).toBe('closed');
    await fail(breaker);
    expect(breaker.state).toBe('open');
  });

  it('opens at an error rate of 1 only when everything fails', async () => {
    const { breaker } = start({ errorRate: 1 });
    succeed(breaker);
    await fail(breaker, 30);
    expect(breaker.state).toBe('closed');
    const another = start({ errorRate: 1 }).breaker;
    await trip(another);
  });

  it('counts the successes from before the first failure', async () => {
    const { breaker } = start();
    succeed(breaker, 1_000);
    await fail(breaker, 30);
    expect(breaker.snapshot()).toEqual({ state: 'closed', failures: 30, total: 1_030, opensUntil: null });
  });

  it('forgets what is older than the window', async () => {
    const { breaker, clock } = start();
    await fail(breaker, 19);
    await clock.advance(11_000);
    await fail(breaker, 19);
    expect(breaker.state).toBe('closed');
  });

  it('counts nothing of calls that say nothing about the service', async () => {
    const { breaker } = start();
    for (let i = 0; i < 100; i++) void breaker.report(breaker.admit(), 'ignored');
    expect(breaker.snapshot().total).toBe(0);
  });

  it('opens on failures that are reported in one go', async () => {
    const { breaker, clock } = start();
    const passes = Array.from({ length: 50 }, () => breaker.admit());
    for (const pass of passes) void breaker.report(pass, 'failure', refused);
    await clock.advance(0);
    expect(breaker.state).toBe('open');
  });

  it('opens although a hundred calls are in flight: only what has ended counts (opossum trap 5)', async () => {
    const { breaker } = start();
    for (let i = 0; i < 100; i++) breaker.admit();
    await fail(breaker, 20);
    expect(breaker.state).toBe('open');
  });
});

describe('an open breaker', () => {
  it('refuses with the service, the error rate, the volume, when it probes and what to do', async () => {
    const { breaker, clock } = start();
    succeed(breaker, 5);
    await fail(breaker, 15);
    await clock.advance(800);
    let error: MeshError | undefined;
    try {
      breaker.admit();
    } catch (thrown) {
      error = thrown as MeshError;
    }
    expect(error?.message).toBe(
      'The breaker of orders is open: 15 of 20 calls failed within 10s; it lets one call through to try again in 4.2s. ' +
        'Mend the service, or change services.orders.breaker (errorRate, volume, open)',
    );
    expect(error).toMatchObject({ code: 'INMESH_BREAKER_OPEN', service: 'orders', sent: false, cause: refused });
  });

  it('lets one call through when its time has run out, and refuses all others until that one ends', async () => {
    const { breaker, clock, changes } = start();
    await trip(breaker);
    await clock.advance(4_999);
    expect(isRefusing(breaker)).toBe(true);
    await clock.advance(1);
    const probe = breaker.admit();
    expect(breaker.state).toBe('half-open');
    for (let i = 0; i < 50; i++) expect(isRefusing(breaker)).toBe(true);
    void breaker.report(probe, 'success');
    await clock.advance(0);
    expect(breaker.state).toBe('closed');
    expect(isRefusing(breaker)).toBe(false);
    expect(changes).toEqual(['open', 'half-open', 'closed']);
  });

  it('does not dilute the error rate with the calls that it refuses (opossum trap 7)', async () => {
    const { breaker } = start();
    await trip(breaker);
    for (let i = 0; i < 200; i++) expect(isRefusing(breaker)).toBe(true);
    expect(breaker.snapshot()).toMatchObject({ state: 'open', failures: 20, total: 20 });
  });

  it('tells in its snapshot until when it is open', async () => {
    const { breaker, clock } = start();
    await trip(breaker);
    expect(breaker.snapshot().opensUntil).toBe(clock.now() + 5_000);
    expect(JSON.parse(JSON.stringify(breaker.snapshot()))).toEqual(breaker.snapshot());
  });
});

describe('a half-open breaker', () => {
  async function halfOpen(given: Partial<BreakerSettings> = {}) {
    const all = start(given);
    const late = all.breaker.admit();
    await trip(all.breaker);
    await all.clock.advance(5_000);
    return { ...all, late, probe: all.breaker.admit() };
  }

  it('opens again, for twice as long, when the probe fails', async () => {
    const { breaker, clock, probe } = await halfOpen();
    await breaker.report(probe, 'failure', refused);
    expect(breaker.state).toBe('open');
    await clock.advance(9_999);
    expect(isRefusing(breaker)).toBe(true);
    await clock.advance(1);
    expect(isRefusing(breaker)).toBe(false);
  });

  it('neither closes nor opens on a probe that says nothing of the service: the next call probes (opossum trap 2)', async () => {
    const { breaker, clock, probe } = await halfOpen();
    void breaker.report(probe, 'ignored');
    await clock.advance(0);
    expect(breaker.state).toBe('half-open');
    const next = breaker.admit();
    expect(isRefusing(breaker)).toBe(true);
    void breaker.report(next, 'success');
    await clock.advance(0);
    expect(breaker.state).toBe('closed');
  });

  it('counts an ignored probe as nothing', async () => {
    const { breaker, clock, probe } = await halfOpen();
    const before = breaker.snapshot().total;
    void breaker.report(probe, 'ignored');
    await clock.advance(0);
    expect(breaker.snapshot().total).toBe(before);
  });

  it.each(['success', 'failure', 'ignored'] as const)(
    'is not moved by the %s of a call from before it opened (opossum trap 3)',
    async (verdict) => {
      const { breaker, clock, late, probe } = await halfOpen();
      await breaker.report(late, verdict, refused);
      await clock.advance(0);
      expect(breaker.state).toBe('half-open');
      expect(isRefusing(breaker)).toBe(true);
      void breaker.report(probe, 'success');
      await clock.advance(0);
      expect(breaker.state).toBe('closed');
    },
  );

  it('hears a probe once', async () => {
    const { breaker, clock, probe } = await halfOpen();
    void breaker.report(probe, 'success');
    void breaker.report(probe, 'failure', refused);
    await clock.advance(0);
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', failures: 0, total: 0 });
  });

  it('opens again when the probe hangs beyond the cap (opossum trap 4)', async () => {
    const { breaker, clock, probe } = await halfOpen();
    await clock.advance(59_999);
    expect(breaker.state).toBe('half-open');
    await clock.advance(1);
    expect(breaker.state).toBe('open');
    void breaker.report(probe, 'success');
    await clock.advance(0);
    expect(breaker.state).toBe('open');
  });

  it('gives a probe up soon after the deadline of its call', async () => {
    const { breaker, clock } = start();
    await trip(breaker);
    await clock.advance(5_000);
    breaker.admit(clock.now() + 300);
    await clock.advance(1_000);
    expect(breaker.state).toBe('open');
    expect(() => breaker.admit()).toThrow(/is open/);
  });

  it('leaves no timer behind', async () => {
    const { breaker, clock, probe } = await halfOpen();
    expect(clock.pending).toBe(1);
    void breaker.report(probe, 'success');
    expect(clock.pending).toBe(0);
  });
});

describe('closing and opening again', () => {
  async function recover(breaker: Breaker, clock: ManualClock): Promise<void> {
    await clock.advance(60_000);
    void breaker.report(breaker.admit(), 'success');
    await clock.advance(0);
    expect(breaker.state).toBe('closed');
  }

  it('begins with an empty window, so one failure after closing does not open it again (opossum trap 6)', async () => {
    const { breaker, clock } = start({ open: 100 });
    await trip(breaker);
    await clock.advance(100);
    void breaker.report(breaker.admit(), 'success');
    await clock.advance(0);
    await fail(breaker);
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', failures: 1, total: 1 });
  });

  it('stays open twice as long each time, up to the cap, while the service never was well for a window', async () => {
    const { breaker, clock } = start();
    const times: number[] = [];
    await trip(breaker);
    for (let i = 0; i < 6; i++) {
      const span = breaker.snapshot().opensUntil! - clock.now();
      times.push(span);
      await clock.advance(span);
      await fail(breaker);
    }
    expect(times).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  it('starts over at the shortest time after it was well for a window, and not after a shorter one', async () => {
    const { breaker, clock } = start();
    await trip(breaker);
    await recover(breaker, clock);
    await clock.advance(9_000);
    await trip(breaker);
    expect(breaker.snapshot().opensUntil! - clock.now()).toBe(10_000);
    await recover(breaker, clock);
    await clock.advance(10_000);
    await trip(breaker);
    expect(breaker.snapshot().opensUntil! - clock.now()).toBe(5_000);
  });

  it('cuts each time by up to half, so that clients do not come back together', async () => {
    const random = seededRandom(7);
    const spans: number[] = [];
    for (let i = 0; i < 200; i++) {
      const { breaker, clock } = start({}, random);
      await trip(breaker);
      spans.push(breaker.snapshot().opensUntil! - clock.now());
    }
    expect(Math.min(...spans)).toBeGreaterThanOrEqual(2_500);
    expect(Math.max(...spans)).toBeLessThanOrEqual(5_000);
    expect(Math.max(...spans) - Math.min(...spans)).toBeGreaterThan(2_000);
  });
});

describe('what a breaker costs the process', () => {
  it('sets no timer of the process, whatever state it goes through', async () => {
    const timeout = vi.spyOn(globalThis, 'setTimeout');
    const interval = vi.spyOn(globalThis, 'setInterval');
    const { breaker, clock } = start();
    await trip(breaker);
    await clock.advance(5_000);
    await fail(breaker);
    await clock.advance(10_000);
    void breaker.report(breaker.admit(), 'success');
    await clock.advance(0);
    expect(breaker.state).toBe('closed');
    expect(timeout).not.toHaveBeenCalled();
    expect(interval).not.toHaveBeenCalled();
  });

  it('stops telling a listener that went away', async () => {
    const { breaker } = start();
    const heard: string[] = [];
    const stop = breaker.onChange((state) => heard.push(state));
    stop();
    stop();
    await trip(breaker);
    expect(heard).toEqual([]);
  });
});
