import * as v from 'valibot';
import type { Clock } from '../../core/clock.ts';
import { type Duration, tryParseDuration } from '../../core/duration.ts';
import type { Logger } from '../../core/log.ts';
import type { Random } from '../../core/random.ts';
import { parseAddress } from '../../model/endpoint.ts';
import type { ParsedOptions } from './parsed.ts';
import { isServiceName } from './service-name.ts';
import { targetProblem } from './target.ts';
import type { MeshOptions, TlsOptions } from './types.ts';

/** A year: longer than anyone means. */
const LONGEST = 8_760 * 3_600_000;

const isDuration = (value: unknown): value is Duration => {
  const ms = tryParseDuration(value);
  return ms !== undefined && ms > 0 && ms <= LONGEST;
};

const duration = v.pipe(
  v.custom<Duration>(isDuration, "milliseconds or '250ms', '2s', '1m', '1h', above 0 and at most a year"),
  v.transform((value) => tryParseDuration(value)!),
);

const integer = (least: number, most: number = Number.MAX_SAFE_INTEGER): v.GenericSchema<number> => {
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
  return v.custom<number>(
    (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
    `a whole number, ${range}`,
  );
};

const number = (fits: (value: number) => boolean, range: string): v.GenericSchema<number> =>
  v.custom<number>((value) => typeof value === 'number' && Number.isFinite(value) && fits(value), `a number, ${range}`);

const share = number((value) => value >= 0 && value <= 1, '0 to 1');
const positiveShare = number((value) => value > 0 && value <= 1, 'above 0, at most 1');

const oneOf = <const Names extends readonly string[]>(names: Names) =>
  v.picklist(names, names.map((name) => `'${name}'`).join(' or '));

const withMethods = <T>(names: readonly (keyof T & string)[], expected: string): v.GenericSchema<T> =>
  v.custom<T>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function'),
    expected,
  );

const callable = <T>(expected: string) => v.custom<T>((value) => typeof value === 'function', expected);

/**
 * One of several schemas, the one that `choose` names for the input: so what is wrong is told of the form that was
 * meant, where a plain union would tell of all. `options` keeps the forms for who reads the schema.
 */
const either = <const Options extends readonly v.GenericSchema[]>(
  options: Options,
  choose: (input: unknown) => number,
) =>
  Object.assign(
    v.lazy((input): Options[number] => options[choose(input)]!),
    { options },
  );

const orFalse = <S extends v.GenericSchema>(schema: S) =>
  either([v.literal(false), schema], (input) => (input === false ? 0 : 1));

const object = <const Entries extends v.ObjectEntries>(entries: Entries) => v.strictObject(entries, 'an object');

const policy = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  orFalse(v.strictObject(entries, 'an object, or false to switch it off'));

const targetText = v.custom<string>(
  (value) => typeof value === 'string' && targetProblem(value) === undefined,
  ({ input }) => (typeof input === 'string' ? targetProblem(input)! : 'a target such as dns://orders.internal:8080'),
);

const isAddress = (value: unknown): boolean => {
  try {
    return typeof value === 'string' && parseAddress(value).port > 0;
  } catch {
    return false;
  }
};

const endpointInfo = object({
  address: v.custom<string>(isAddress, 'host:port or [ipv6]:port'),
  weight: v.exactOptional(number((value) => value >= 0, '0 or more')),
  zone: v.exactOptional(v.string('a string')),
  priority: v.exactOptional(integer(0)),
  metadata: v.exactOptional(v.record(v.string(), v.string('a string'), 'an object of strings')),
});

const target = either(
  [
    targetText,
    v.pipe(v.array(targetText), v.minLength(1, 'at least one target')),
    v.pipe(v.array(endpointInfo), v.minLength(1, 'at least one endpoint')),
  ],
  (input) => (!Array.isArray(input) ? 0 : typeof input[0] === 'object' ? 2 : 1),
);

const pem = v.custom<string | Uint8Array>(
  (value) => (typeof value === 'string' && value !== '') || (value instanceof Uint8Array && value.length > 0),
  'PEM as text or bytes, or the path of a PEM file',
);

const tls = object({
  ca: v.optional(pem),
  cert: v.optional(pem),
  key: v.optional(pem),
  minVersion: v.optional(oneOf(['TLSv1.2', 'TLSv1.3'])),
  servername: v.optional(
    v.custom<string>(
      (value) => typeof value === 'string' && isServiceName(value.toLowerCase()) && !/^[\d.]+$/.test(value),
      'a host name, not an IP address',
    ),
  ),
  checkServerIdentity: v.optional(
    callable<NonNullable<TlsOptions['checkServerIdentity']>>('a function (hostname, certificate) => Error | undefined'),
  ),
});

/** What a service and the mesh's `defaults` have in common. A later field is added here, in types.ts, settings.ts and defaults.ts. */
const common = {
  protocol: v.optional(oneOf(['http', 'https', 'h2', 'h2c'])),
  balancer: v.optional(oneOf(['p2c-peak-ewma', 'p2c-least-request', 'least-request', 'round-robin', 'random'])),
  deadline: v.optional(duration),
  attemptTimeout: v.optional(duration),
  connectTimeout: v.optional(duration),
  retry: v.optional(
    policy({
      max: v.optional(integer(0, 10)),
      budget: v.optional(
        object({
          ratio: v.optional(share),
          floorPerSecond: v.optional(number((value) => value >= 0, '0 or more')),
          window: v.optional(duration),
        }),
      ),
      backoff: v.optional(object({ base: v.optional(duration), cap: v.optional(duration) })),
      replayLimit: v.optional(integer(0)),
    }),
  ),
  breaker: v.optional(
    policy({
      errorRate: v.optional(positiveShare),
      volume: v.optional(integer(1)),
      window: v.optional(duration),
      open: v.optional(duration),
      openCap: v.optional(duration),
    }),
  ),
  outlier: v.optional(
    policy({
      consecutive: v.optional(integer(1)),
      successRate: v.optional(share),
      window: v.optional(duration),
      volume: v.optional(integer(1)),
      ejection: v.optional(duration),
      ejectionCap: v.optional(duration),
      maxEjected: v.optional(share),
    }),
  ),
  panic: v.optional(share),
  limits: v.optional(
    object({
      perEndpoint: v.optional(integer(1)),
      perService: v.optional(integer(1)),
      queue: v.optional(integer(0)),
      queueTimeout: v.optional(duration),
    }),
  ),
  tls: v.optional(tls),
};

const service = either(
  [targetText, v.strictObject({ target, ...common }, 'a target or an object with one')],
  (input) => (typeof input === 'string' ? 0 : 1),
);

/** What `createMesh` accepts. Unknown keys are told of by `keyProblems`, for valibot stops at the first. */
export const meshSchema: v.GenericSchema<MeshOptions, ParsedOptions> = object({
  services: v.record(v.string(), service, 'an object of services by name'),
  defaults: v.optional(object(common)),
  unknownService: v.optional(oneOf(['reject', 'passthrough'])),
  propagation: v.optional(oneOf(['auto', 'off'])),
  clock: v.optional(withMethods<Clock>(['now', 'wallTime', 'schedule'], 'a Clock: now(), wallTime(), schedule()')),
  random: v.optional(callable<Random>('a function that returns a number in [0, 1)')),
  log: v.optional(
    withMethods<Logger>(['debug', 'info', 'warn', 'error'], 'a logger: debug(), info(), warn(), error()'),
  ),
});
