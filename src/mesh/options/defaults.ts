import type { ServiceSettings, TlsSettings } from './settings.ts';

/** Every default of a service, durations in milliseconds. The only place where they stand. */
export const SERVICE_DEFAULTS: Omit<ServiceSettings, 'name' | 'target' | 'protocol' | 'protocolOpen' | 'tls'> & {
  readonly retry: object;
  readonly breaker: object;
  readonly outlier: object;
} = {
  balancer: 'p2c-peak-ewma',
  deadline: 10_000,
  attemptTimeout: 3_000,
  connectTimeout: 1_000,
  retry: {
    max: 2,
    budget: { ratio: 0.2, floorPerSecond: 1, window: 10_000 },
    backoff: { base: 25, cap: 1_000 },
    replayLimit: 65_536,
  },
  breaker: { errorRate: 0.5, volume: 20, window: 10_000, open: 5_000, openCap: 60_000 },
  outlier: {
    consecutive: 5,
    successRate: 0.8,
    window: 10_000,
    volume: 20,
    ejection: 5_000,
    ejectionCap: 300_000,
    maxEjected: 0.5,
  },
  panic: 0.5,
  limits: { perEndpoint: 1_024, perService: 4_096, queue: 256, queueTimeout: 1_000 },
};

export const MIN_TLS_VERSION: TlsSettings['minVersion'] = 'TLSv1.2';
