import { describe, expect, it } from 'vitest';
import { createEnv } from '../../src/core/env.ts';
import { MeshError, type MeshErrorCode } from '../../src/core/errors.ts';
import { silentLogger } from '../../src/core/log.ts';
import { seededRandom } from '../../src/core/random.ts';
import { OutlierDetector, type OutlierSettings } from '../../src/health/index.ts';
import { Endpoint } from '../../src/model/endpoint.ts';
import { outcomeOfError, outcomeOfStatus } from '../../src/model/outcome.ts';
import { ok, refused, SETTINGS, start } from './fixture.ts';

describe('failures in a row', () => {
  it.each([
    ['refused connections', refused],
    ['resets', outcomeOfError(new MeshError('INMESH_RESET', 'reset'), 1)],
    ['attempt timeouts', outcomeOfError(new MeshError('INMESH_ATTEMPT_TIMEOUT', 'timed out'), 1)],
    ['502', outcomeOfStatus(502, 1)],
    ['503', outcomeOfStatus(503, 1)],
    ['504', outcomeOfStatus(504, 1)],
  ])('eject an endpoint after five: %s (rst-on-accept)', (_, outcome) => {
    const { first, second, tell, states } = start(2);
    tell(second, ok, 10);
    tell(first, outcome, 4);
    expect(states()).toBe('..');
    tell(first, outcome);
    expect(states()).toBe('x.');
  });

  it('tell on the endpoint why, in words', () => {
    const { first, tell } = start(3);
    tell(first, refused, 5);
    expect(first).toMatchObject({ state: 'ejected', reason: '5 failures in a row: connection refused' });
    const again = start(3);
    again.tell(again.first, outcomeOfStatus(503, 1), 5);
    expect(again.first.reason).toBe('5 failures in a row: status 503');
  });

  it('are broken by a success, a 404 included', () => {
    const { first, tell, states } = start(3);
    for (let i = 0; i < 3; i++) {
      tell(first, refused, 4);
      tell(first, outcomeOfStatus(i === 1 ? 404 : 200, 1));
    }
    expect(states()).toBe('...');
  });

  it('are neither fed nor broken by 500 and 429', () => {
    const { first, tell, states } = start(3);
    tell(first, refused, 4);
    tell(first, outcomeOfStatus(500, 1), 5);
    tell(first, outcomeOfStatus(429, 1), 5);
    expect(states()).toBe('...');
    tell(first, refused);
    expect(states()).toBe('x..');
  });

  it.each([
    'INMESH_ABORTED',
    'INMESH_DEADLINE_EXCEEDED',
    'INMESH_OVERLOADED',
    'INMESH_TLS',
    'INMESH_THROTTLED',
  ] as const)('do not count %s, for which no endpoint is to blame', (code: MeshErrorCode) => {
    const { first, tell, states } = start(3);
    tell(first, outcomeOfError(new MeshError(code, code), 1), 100);
    expect(states()).toBe('...');
  });

  it('eject at once though others are dead as well, as long as some are fine', () => {
    const { endpoints, tell, states } = start(4);
    for (let round = 0; round < 5; round++) {
      tell(endpoints[0]!, refused);
      tell(endpoints[1]!, refused);
      tell(endpoints[2]!, ok);
      tell(endpoints[3]!, ok);
    }
    expect(states()).toBe('xx..');
  });

  it('eject nobody when all go down at the same moment, whatever went well before', () => {
    const { clock, endpoints, tell, states } = start(10);
    for (const endpoint of endpoints) tell(endpoint, ok, 100);
    return clock.advance(2_000).then(() => {
      for (let round = 0; round < 50; round++) for (const endpoint of endpoints) tell(endpoint, refused);
      expect(states()).toBe('..........');
    });
  });
});

describe('the success rate', () => {
  it('ejects an endpoint that answers 500 while its siblings do not, once there is volume', () => {
    const { endpoints, first, tell, states } = start(3);
    for (const endpoint of endpoints.slice(1)) tell(endpoint, ok, 20);
    tell(first, ok);
    tell(first, outcomeOfStatus(500, 1), 18);
    expect(states()).toBe('...');
    tell(first, outcomeOfStatus(500, 1));
    expect(states()).toBe('x..');
    expect(first.reason).toBe('succeeded in 5 % of 20 attempts within 10s, its siblings in 100 %');
  });

  it('needs half the volume of an endpoint that answers nothing but 500, for the balancer hardly asks it any more', () => {
    const { endpoints, first, tell, states } = start(3);
    for (const endpoint of endpoints.slice(1)) tell(endpoint, ok, 20);
    tell(first, outcomeOfStatus(500, 1), 9);
    expect(states()).toBe('...');
    tell(first, outcomeOfStatus(500, 1));
    expect(states()).toBe('x..');
    expect(first.reason).toBe('succeeded in 0 % of 10 attempts within 10s, its siblings in 100 %');
  });

  it('ejects an endpoint that alone answers 429', () => {
    const { endpoints, first, tell, states } = start(3);
    for (const endpoint of endpoints.slice(1)) tell(endpoint, ok, 40);
    for (let i = 0; i < 20; i++) {
      tell(first, ok);
      tell(first, outcomeOfStatus(429, 1));
    }
    expect(states()).toBe('x..');
  });

  it('lets an endpoint be that fails now and then', () => {
    const { endpoints, first, tell, states } = start(3);
    for (const endpoint of endpoints.slice(1)) tell(endpoint, ok, 400);
    for (let i = 0; i < 100; i++) {
      tell(first, ok, 9);
      tell(first, refused);
    }
    expect(states()).toBe('...');
  });

  it('lets an endpoint be that is only a little worse than its siblings, however sure that is', () => {
    const { endpoints, tell, states } = start(3);
    for (let i = 0; i < 10_000; i++) {
      endpoints.forEach((endpoint, index) =>
        tell(endpoint, (i * 7) % 50 < (index === 0 ? 12 : 8) ? outcomeOfStatus(500, 1) : ok),
      );
    }
    expect(states()).toBe('...');
  });

  it('reaches the same verdict on a burst as on the same burst spread out', async () => {
    for (const gap of [0, 10, 400]) {
      const { clock, endpoints, first, tell } = start(3);
      let seen = 1;
      tell(first, ok);
      while (first.state !== 'ejected' && seen < 100) {
        for (const endpoint of endpoints.slice(1)) tell(endpoint, ok);
        tell(first, outcomeOfStatus(500, 1));
        seen++;
        if (gap > 0) await clock.advance(gap);
      }
      expect(seen).toBe(20);
    }
  });

  it('forgets what is older than the window', async () => {
    const { clock, endpoints, first, tell, states } = start(3);
    for (let i = 0; i < 10; i++) {
      for (const endpoint of endpoints.slice(1)) tell(endpoint, ok, 10);
      tell(first, outcomeOfStatus(500, 1), 9);
      if (i < 9) await clock.advance(11_000);
    }
    expect(states()).toBe('...');
  });
});

describe('how many may be ejected', () => {
  it('is none of one, one of two or three, and half of more', () => {
    for (const [count, most] of [
      [1, 0],
      [2, 1],
      [3, 1],
      [4, 2],
      [5, 2],
      [10, 5],
    ] as const) {
      const { endpoints, tell, states, detector } = start(count);
      for (const endpoint of endpoints) tell(endpoint, refused, 50);
      // The last ones have nobody left who is well; the first ones had.
      expect(states().replaceAll('.', '')).toHaveLength(most);
      expect(detector.eligible()).toHaveLength(count - most);
    }
  });

  it('is one at least with any maxEjected above 0, none with 0, and never all with 1', () => {
    const one = start(5, { maxEjected: 0.1 });
    for (const endpoint of one.endpoints) one.tell(endpoint, refused, 50);
    expect(one.states()).toBe('x....');
    const none = start(4, { maxEjected: 0 });
    for (const endpoint of none.endpoints) none.tell(endpoint, refused, 50);
    expect(none.states()).toBe('....');
    const most = start(4, { maxEjected: 1 });
    for (const endpoint of most.endpoints) most.tell(endpoint, refused, 50);
    expect(most.states()).toBe('xxx.');
  });

  it('all-ejected: in panic all endpoints are used, and the ejections end in their own time', async () => {
    const { clock, detector, endpoints, tell, states } = start(4, { maxEjected: 1 });
    const [a, b, c] = endpoints as [Endpoint, Endpoint, Endpoint];
    for (const endpoint of [a, b]) tell(endpoint, refused, 5);
    expect(detector.panicking).toBe(false);
    expect(detector.eligible()).toHaveLength(2);
    tell(c, refused, 5);
    expect(states()).toBe('xxx.');
    expect(detector.panicking).toBe(true);
    expect(detector.eligible()).toEqual(endpoints);
    tell(a, ok, 10);
    expect(states()).toBe('xxx.');
    await clock.advance(5_000);
    tell(detector.takeProbe(clock.now())!, ok);
    expect(states().replaceAll('.', '')).toHaveLength(2);
    expect(detector.panicking).toBe(false);
  });

  it('holds when discovery takes healthy ones away: those whose time ends first return', () => {
    const { detector, endpoints, tell, states, clock } = start(4);
    tell(endpoints[0]!, refused, 5);
    return clock.advance(1_000).then(() => {
      tell(endpoints[1]!, refused, 5);
      detector.update(endpoints.slice(0, 3));
      expect(states()).toBe('.x..');
      detector.update(endpoints.slice(1, 2));
      expect(states()).toBe('....');
      expect(detector.eligible()).toEqual([endpoints[1]]);
    });
  });
});

describe('an ejected endpoint', () => {
  function ejected(given: Partial<OutlierSettings> = {}) {
    const all = start(3, given);
    const late = all.detector.begin(all.first);
    all.tell(all.first, refused, 5);
    expect(all.first.state).toBe('ejected');
    return { ...all, late };
  }

  it('is no longer eligible, and whoever listens is told after that', () => {
    const { detector, endpoints, first, tell } = start(3);
    const heard: (readonly Endpoint[])[] = [];
    const stop = detector.onChange(() => heard.push(detector.eligible()));
    tell(first, refused, 5);
    expect(heard).toEqual([endpoints.slice(1)]);
    stop();
  });

  it('is handed out for one attempt when its time has run out, to exactly one caller', async () => {
    const { clock, detector, first } = ejected();
    await clock.advance(4_999);
    expect(detector.takeProbe(clock.now())).toBeUndefined();
    await clock.advance(1);
    expect(detector.takeProbe(clock.now())).toBe(first);
    expect(detector.takeProbe(clock.now())).toBeUndefined();
  });

  it('returns with a clean record when that attempt succeeds', async () => {
    const { clock, detector, first, tell } = ejected();
    await clock.advance(5_000);
    tell(detector.takeProbe(clock.now())!, ok);
    expect(first).toMatchObject({ state: 'healthy', reason: undefined });
    expect(detector.eligible()).toContain(first);
    tell(first, refused, 4);
    expect(first.state).toBe('healthy');
  });

  it('is not judged by what it did before, once it is back', async () => {
    const { clock, detector, endpoints, first, tell } = start(3);
    for (const endpoint of endpoints.slice(1)) tell(endpoint, ok, 100);
    tell(first, outcomeOfStatus(500, 1), 20);
    expect(first.state).toBe('ejected');
    await clock.advance(5_000);
    tell(detector.takeProbe(clock.now())!, ok);
    tell(first, outcomeOfStatus(500, 1), 9);
    expect(first.state).toBe('healthy');
  });

  it('returns with the head of that attempt, however long the body takes', async () => {
    const { clock, detector, first } = ejected();
    await clock.advance(5_000);
    const probe = detector.takeProbe(clock.now())!;
    const pass = detector.begin(probe);
    detector.onHead(probe, pass);
    expect(first.state).toBe('healthy');
    for (let i = 0; i < 10; i++) detector.onOutcome(probe, pass, refused);
    expect(first.state).toBe('healthy');
  });

  it.each([refused, outcomeOfStatus(500, 1), outcomeOfStatus(429, 1)])(
    'stays out twice as long when that attempt fails (%o)',
    async (outcome) => {
      const { clock, detector, first, tell } = ejected();
      await clock.advance(5_000);
      tell(detector.takeProbe(clock.now())!, outcome);
      expect(first.state).toBe('ejected');
      expect(first.reason).toContain('still failing when tried again');
      await clock.advance(9_999);
      expect(detector.takeProbe(clock.now())).toBeUndefined();
      await clock.advance(1);
      expect(detector.takeProbe(clock.now())).toBe(first);
    },
  );

  it('may be tried again at once when that attempt said nothing of it', async () => {
    const { clock, detector, first, tell } = ejected();
    await clock.advance(5_000);
    tell(detector.takeProbe(clock.now())!, { kind: 'ignored', latency: 1 });
    expect(first.state).toBe('ejected');
    expect(detector.takeProbe(clock.now())).toBe(first);
  });

  it('is tried again when nothing is heard of that attempt, which is not heard any more then', async () => {
    const { clock, detector, first } = ejected();
    await clock.advance(5_000);
    const hung = detector.begin(detector.takeProbe(clock.now())!);
    await clock.advance(10_000);
    expect(detector.takeProbe(clock.now())).toBe(first);
    detector.onOutcome(first, hung, ok);
    expect(first.state).toBe('ejected');
  });

  it('does not hear attempts from before the ejection, neither while out nor while being tried', async () => {
    const { clock, detector, first, late } = ejected();
    detector.onOutcome(first, late, ok);
    await clock.advance(5_000);
    detector.takeProbe(clock.now());
    detector.onOutcome(first, late, ok);
    expect(first.state).toBe('ejected');
  });

  it('is out up to the cap, and less long again after it was healthy for some windows', async () => {
    const { clock, detector, first, tell } = ejected({ ejectionCap: 30_000 });
    const terms: number[] = [];
    for (let i = 0; i < 4; i++) {
      terms.push(first.health!.due - clock.now());
      await clock.advance(first.health!.due - clock.now());
      tell(detector.takeProbe(clock.now())!, refused);
    }
    expect(terms).toEqual([5_000, 10_000, 20_000, 30_000]);
    await clock.advance(30_000);
    tell(detector.takeProbe(clock.now())!, ok);
    await clock.advance(20_000);
    tell(first, refused, 5);
    expect(first.health!.due - clock.now()).toBe(15_000);
  });

  it('is out for a time that chance cuts by up to half', () => {
    const random = seededRandom(3);
    const terms = Array.from({ length: 100 }, () => {
      const { clock, first, tell } = start(2, {}, random);
      tell(first, refused, 5);
      return first.health!.due - clock.now();
    });
    expect(Math.min(...terms)).toBeGreaterThanOrEqual(2_500);
    expect(Math.max(...terms)).toBeLessThanOrEqual(5_000);
    expect(Math.max(...terms) - Math.min(...terms)).toBeGreaterThan(1_500);
  });

  it('stays ejected when a new snapshot or a new detector comes', async () => {
    const { clock, detector, endpoints, first } = ejected();
    detector.update([...endpoints, new Endpoint({ address: '10.0.0.9:80' })]);
    expect(detector.eligible()).toHaveLength(3);
    const next = new OutlierDetector(SETTINGS, createEnv({ clock, random: () => 0, log: silentLogger }));
    next.update(endpoints);
    expect(next.eligible()).toEqual(endpoints.slice(1));
    await clock.advance(5_000);
    expect(next.takeProbe(clock.now())).toBe(first);
  });

  it('is not ejected any more for what it does after discovery dropped it', () => {
    const { detector, endpoints, first, tell } = start(3);
    detector.update(endpoints.slice(1));
    first.state = 'draining';
    tell(first, refused, 20);
    expect(first.state).toBe('draining');
  });
});

it('keeps nothing for endpoints that were never used', () => {
  const { detector, endpoints } = start(3);
  for (const endpoint of endpoints) detector.onHead(endpoint, detector.begin(endpoint));
  expect(endpoints.every((endpoint) => endpoint.health === undefined)).toBe(true);
  expect(detector.eligible()).toBe(endpoints);
});
