import fc from 'fast-check';
import { expect, it } from 'vitest';
import { seededRandom } from '../../src/core/random.ts';
import type { HealthPass } from '../../src/health/index.ts';
import { Endpoint } from '../../src/model/endpoint.ts';
import { type Outcome, outcomeOfStatus } from '../../src/model/outcome.ts';
import { ok, refused, start } from './fixture.ts';

const outcomes: readonly Outcome[] = [
  ok,
  refused,
  refused,
  outcomeOfStatus(503, 1),
  outcomeOfStatus(500, 1),
  { kind: 'ignored', latency: 1 },
];

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('begin' as const), which: fc.nat() }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('end' as const), which: fc.nat(), how: fc.nat(outcomes.length - 1) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('burst' as const),
      which: fc.nat(),
      how: fc.nat(outcomes.length - 1),
      times: fc.integer({ min: 5, max: 30 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('probe' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 20_000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('discover' as const), count: fc.integer({ min: 0, max: 8 }) }) },
);

const PROBE_EXPIRY = 10_000;

it('keeps its promises whatever happens: half stay, never the only one goes, one probe at a time, all return', async () => {
  let ejections = 0;
  let returns = 0;
  const property = fc.asyncProperty(
    fc.nat(),
    fc.array(step, { minLength: 20, maxLength: 100, size: 'max' }),
    async (seed, steps) => {
      const { clock, detector, endpoints } = start(8, {}, seededRandom(seed));
      const spares = Array.from({ length: 4 }, (_, i) => new Endpoint({ address: `10.0.1.${i}:80` }));
      let known: readonly Endpoint[] = endpoints;
      const flying: { endpoint: Endpoint; pass: HealthPass }[] = [];
      const probed = new Map<Endpoint, number>();
      const told = new Map<Endpoint, string>();
      detector.onChange((endpoint) => {
        expect(told.get(endpoint)).not.toBe(endpoint.state);
        told.set(endpoint, endpoint.state);
        if (endpoint.state === 'ejected') ejections++;
        else returns++;
        probed.delete(endpoint);
      });
      const end = (endpoint: Endpoint, pass: HealthPass, how: number): void => {
        const before = endpoint.health?.due;
        detector.onOutcome(endpoint, pass, outcomes[how]!);
        if (endpoint.health?.due !== before) probed.delete(endpoint);
      };
      const wrong: string[] = [];
      const check = (): void => {
        expect(wrong).toEqual([]);
        const ejected = known.filter((endpoint) => endpoint.state === 'ejected');
        expect(ejected.length).toBeLessThanOrEqual(known.length < 2 ? 0 : Math.max(1, Math.floor(known.length / 2)));
        expect(ejected.every((endpoint) => endpoint.reason !== undefined)).toBe(true);
        const eligible = detector.eligible();
        expect(eligible.length).toBeGreaterThanOrEqual(Math.min(known.length, Math.ceil(known.length / 2)));
        const panic = known.length - ejected.length < known.length / 2;
        expect(eligible).toEqual(panic ? known : known.filter((endpoint) => endpoint.state !== 'ejected'));
      };
      for (const action of steps) {
        if (action.do === 'wait') await clock.jump(action.ms);
        else if (action.do === 'discover') {
          const pool = [...endpoints, ...spares];
          const next = pool.slice(action.count, action.count + 1 + ((action.count * 7) % 8));
          for (const endpoint of known) {
            if (next.includes(endpoint)) continue;
            endpoint.state = 'draining';
            probed.delete(endpoint);
          }
          for (const endpoint of next) if (!known.includes(endpoint)) endpoint.state = 'healthy';
          known = next;
          detector.update(known);
          for (const endpoint of known) if (endpoint.state !== 'ejected') probed.delete(endpoint);
          for (const endpoint of pool) told.set(endpoint, endpoint.state === 'ejected' ? 'ejected' : 'healthy');
        } else if (action.do === 'probe') {
          const endpoint = detector.takeProbe(clock.now());
          if (endpoint !== undefined) {
            if (endpoint.state !== 'ejected') wrong.push(`${endpoint.address} was probed though not ejected`);
            const since = clock.now() - (probed.get(endpoint) ?? -Infinity);
            if (since < PROBE_EXPIRY) wrong.push(`${endpoint.address} was probed ${since} ms after a probe still out`);
            probed.set(endpoint, clock.now());
            flying.push({ endpoint, pass: detector.begin(endpoint) });
          }
        } else if (action.do === 'burst') {
          const endpoint = known[action.which % known.length]!;
          for (let i = 0; i < action.times; i++) end(endpoint, detector.begin(endpoint), action.how);
        } else if (action.do === 'begin') {
          const endpoint = known[action.which % known.length]!;
          flying.push({ endpoint, pass: detector.begin(endpoint) });
        } else if (flying.length > 0) {
          const [attempt] = flying.splice(action.which % flying.length, 1);
          end(attempt!.endpoint, attempt!.pass, action.how);
        }
        check();
      }
      await clock.jump(300_000);
      for (let probe = detector.takeProbe(clock.now()); probe !== undefined; probe = detector.takeProbe(clock.now())) {
        detector.onOutcome(probe, detector.begin(probe), ok);
      }
      expect(known.every((endpoint) => endpoint.state === 'healthy')).toBe(true);
      expect(detector.eligible()).toEqual(known);
    },
  );
  await fc.assert(property, { numRuns: 200 });
  expect(ejections).toBeGreaterThan(100);
  expect(returns).toBeGreaterThan(50);
});
