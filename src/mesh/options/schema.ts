import * as v from 'valibot';
import type { Clock } from '../../core/clock.ts';
import { type Duration, tryParseDuration } from '../../core/duration.ts';
import type { Logger } from '../../core/log.ts';
import type { Random } from '../../core/random.ts';
import { parseAddress } from '../../model/endpoint.ts';
import type { Resolver } from '../../model/snapshot.ts';
import { checkTarget, type Schemes } from '../../resolver/index.ts';
import type { ParsedOptions } from './parsed.ts';
import { isServiceName } from './service-name.ts';
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

/** A field given as undefined counts as not given, though its type, exact, has no undefined. */
const optional = <S extends v.GenericSchema>(schema: S) =>
  v.optional(schema) as unknown as v.ExactOptionalSchema<S, undefined>;

const object = <const Entries extends v.ObjectEntries>(entries: Entries) => v.strictObject(entries, 'an object');

const policy = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  orFalse(v.strictObject(entries, 'an object, or false to switch it off'));

/** A list of endpoints may be long, but not endless. */
const LONGEST_TARGET = 65_536;

const targetProblem = (target: unknown, schemes: Schemes): string | undefined =>
  typeof target === 'string' && target.length > LONGEST_TARGET
    ? `the target is longer than ${LONGEST_TARGET} characters; write a list of endpoints, or a file:// target`
    : checkTarget(target, schemes);

const EXAMPLE = 'a target such as dns://orders.internal:8080';

const targetText = (schemes: Schemes) =>
  v.pipe(
    v.string(EXAMPLE),
    v.check(
      (value) => targetProblem(value, schemes) === undefined,
      ({ input }) => targetProblem(input, schemes)!,
    ),
  );

const isResolver = (value: unknown): value is Resolver =>
  typeof value === 'object' && value !== null && 'watch' in value && typeof value.watch === 'function';

const resolver = v.custom<Resolver>(isResolver, `${EXAMPLE}, a list of them or of endpoints, or a resolver`);

const link = (text: ReturnType<typeof targetText>) =>
  either([text, resolver], (input) => (typeof input === 'string' ? 0 : 1));

const isAddress = (value: unknown): boolean => {
  try {
    return typeof value === 'string' && parseAddress(value).port > 0;
  } catch {
    return false;
  }
};

const protocol = oneOf(['http', 'https', 'h2', 'h2c']);

const endpointInfo = object({
  address: v.custom<string>(isAddress, 'host:port or [ipv6]:port'),
  weight: optional(number((value) => value >= 0, '0 or more')),
  zone: optional(v.string('a string')),
  priority: optional(integer(0)),
  protocol: optional(protocol),
  metadata: optional(v.record(v.string(), v.string('a string'), 'an object of strings')),
});

const target = (one: ReturnType<typeof link>) =>
  either(
    [
      one,
      v.pipe(v.array(one), v.minLength(1, 'the list is empty; name at least one target or endpoint')),
      v.array(endpointInfo),
    ],
    (input) => (!Array.isArray(input) ? 0 : isResolver(input[0]) || typeof input[0] !== 'object' ? 1 : 2),
  );

const pem = v.custom<string | Uint8Array>(
  (value) => (typeof value === 'string' && value !== '') || (value instanceof Uint8Array && value.length > 0),
  'PEM as text or bytes, or the path of a PEM file',
);

const tls = object({
  ca: optional(pem),
  cert: optional(pem),
  key: optional(pem),
  minVersion: optional(oneOf(['TLSv1.2', 'TLSv1.3'])),
  servername: optional(
    v.custom<string>(
      (value) => typeof value === 'string' && isServiceName(value.toLowerCase()) && !/^[\d.]+$/.test(value),
      'a host name, not an IP address',
    ),
  ),
  checkServerIdentity: optional(
    callable<NonNullable<TlsOptions['checkServerIdentity']>>('a function (hostname, certificate) => Error | undefined'),
  ),
});

/** What a service and the mesh's `defaults` have in common. A later field is added here, in types.ts, settings.ts and defaults.ts. */
const common = {
  protocol: optional(protocol),
  balancer: optional(oneOf(['p2c-peak-ewma', 'p2c-least-request', 'least-request', 'round-robin', 'random'])),
  deadline: optional(duration),
  attemptTimeout: optional(duration),
  connectTimeout: optional(duration),
  retry: optional(
    policy({
      max: optional(integer(0, 10)),
      budget: optional(
        object({
          ratio: optional(share),
          floorPerSecond: optional(number((value) => value >= 0, '0 or more')),
          window: optional(duration),
        }),
      ),
      backoff: optional(object({ base: optional(duration), cap: optional(duration) })),
      replayLimit: optional(integer(0)),
    }),
  ),
  breaker: optional(
    policy({
      errorRate: optional(positiveShare),
      volume: optional(integer(1)),
      window: optional(duration),
      open: optional(duration),
      openCap: optional(duration),
    }),
  ),
  outlier: optional(
    policy({
      consecutive: optional(integer(1)),
      successRate: optional(share),
      window: optional(duration),
      volume: optional(integer(1)),
      ejection: optional(duration),
      ejectionCap: optional(duration),
      maxEjected: optional(share),
    }),
  ),
  panic: optional(share),
  limits: optional(
    object({
      perEndpoint: optional(integer(1)),
      perService: optional(integer(1)),
      queue: optional(integer(0)),
      queueTimeout: optional(duration),
    }),
  ),
  tls: optional(tls),
};

const service = (text: ReturnType<typeof targetText>) =>
  either(
    [text, v.strictObject({ target: target(link(text)), ...common }, 'a target or an object with one')],
    (input) => (typeof input === 'string' ? 0 : 1),
  );

const text = v.pipe(v.string('a string'), v.nonEmpty('empty'));

const kubernetes = object({
  server: optional(text),
  token: optional(text),
  tokenFile: optional(text),
  ca: optional(pem),
  cert: optional(pem),
  key: optional(pem),
  headers: optional(v.record(v.string(), v.string('a string'), 'an object of strings')),
  namespace: optional(text),
  kubeconfig: optional(text),
});

/**
 * What `createMesh` accepts, with targets of these schemes. Unknown keys are told of by `keyProblems`, for valibot stops
 * at the first.
 */
export const meshSchema = (schemes: Schemes): v.GenericSchema<MeshOptions, ParsedOptions> =>
  object({
    services: v.record(v.string(), service(targetText(schemes)), 'an object of services by name'),
    defaults: optional(object(common)),
    unknownService: optional(oneOf(['reject', 'passthrough'])),
    propagation: optional(oneOf(['auto', 'off'])),
    kubernetes: optional(kubernetes),
    clock: optional(withMethods<Clock>(['now', 'wallTime', 'schedule'], 'a Clock: now(), wallTime(), schedule()')),
    random: optional(callable<Random>('a function that returns a number in [0, 1)')),
    log: optional(
      withMethods<Logger>(['debug', 'info', 'warn', 'error'], 'a logger: debug(), info(), warn(), error()'),
    ),
  });
