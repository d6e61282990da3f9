import { createEnv } from '../../src/core/env.ts';
import { MeshError } from '../../src/core/errors.ts';
import { silentLogger } from '../../src/core/log.ts';
import { OutlierDetector, type OutlierSettings } from '../../src/health/index.ts';
import { Endpoint } from '../../src/model/endpoint.ts';
import { type Outcome, outcomeOfError, outcomeOfStatus } from '../../src/model/outcome.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

export const SETTINGS: OutlierSettings = {
  consecutive: 5,
  successRate: 0.8,
  window: 10_000,
  volume: 20,
  ejection: 5_000,
  ejectionCap: 300_000,
  maxEjected: 0.5,
  panic: 0.5,
};

export const ok: Outcome = outcomeOfStatus(200, 1);
export const refused: Outcome = outcomeOfError(new MeshError('INMESH_CONNECT_FAILED', 'connection refused'), 1);

export function start(count: number, given: Partial<OutlierSettings> = {}, random = () => 0) {
  const clock = new ManualClock();
  const detector = new OutlierDetector({ ...SETTINGS, ...given }, createEnv({ clock, random, log: silentLogger }));
  const endpoints = Array.from({ length: count }, (_, i) => new Endpoint({ address: `10.0.0.${i + 1}:80` }));
  detector.update(endpoints);
  const tell = (endpoint: Endpoint, outcome: Outcome, times = 1): void => {
    for (let i = 0; i < times; i++) detector.onOutcome(endpoint, detector.begin(endpoint), outcome);
  };
  const states = (): string => endpoints.map((endpoint) => (endpoint.state === 'ejected' ? 'x' : '.')).join('');
  return { clock, detector, endpoints, tell, states, first: endpoints[0]!, second: endpoints[1]! };
}
