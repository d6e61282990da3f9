/**
 * Who is to answer for an error, and so what health and budgets make of it:
 * `endpoint` (it failed us), `config` (certificates, names, protocol: retrying elsewhere meets the same),
 * `caller` (aborted, or asked the impossible), `self` (our own limits, deadlines and breakers).
 */
export type Blame = 'endpoint' | 'config' | 'caller' | 'self';

/** A stable name for what went wrong; each has a heading in docs/errors.md. */
export type MeshErrorCode =
  | 'INMESH_UNKNOWN_SERVICE'
  | 'INMESH_NO_ENDPOINT'
  | 'INMESH_DEADLINE_EXCEEDED'
  | 'INMESH_ATTEMPT_TIMEOUT'
  | 'INMESH_BREAKER_OPEN'
  | 'INMESH_OVERLOADED'
  | 'INMESH_RATE_LIMITED'
  | 'INMESH_THROTTLED'
  | 'INMESH_CONNECT_FAILED'
  | 'INMESH_RESET'
  | 'INMESH_PROTOCOL'
  | 'INMESH_TLS'
  | 'INMESH_ABORTED'
  | 'INMESH_CLOSED'
  | 'INMESH_CONFIG'
  | 'INMESH_RESOLVE_FAILED'
  | 'INMESH_REQUEST_INVALID';

/** Every code with who is to blame and the HTTP status that a gateway would answer with. */
const CODES: Readonly<Record<MeshErrorCode, { readonly blame: Blame; readonly status: number }>> = {
  INMESH_UNKNOWN_SERVICE: { blame: 'caller', status: 502 },
  INMESH_NO_ENDPOINT: { blame: 'self', status: 503 },
  INMESH_DEADLINE_EXCEEDED: { blame: 'self', status: 504 },
  INMESH_ATTEMPT_TIMEOUT: { blame: 'endpoint', status: 504 },
  INMESH_BREAKER_OPEN: { blame: 'self', status: 503 },
  INMESH_OVERLOADED: { blame: 'self', status: 503 },
  INMESH_RATE_LIMITED: { blame: 'self', status: 429 },
  INMESH_THROTTLED: { blame: 'self', status: 503 },
  INMESH_CONNECT_FAILED: { blame: 'endpoint', status: 502 },
  INMESH_RESET: { blame: 'endpoint', status: 502 },
  INMESH_PROTOCOL: { blame: 'endpoint', status: 502 },
  INMESH_TLS: { blame: 'config', status: 502 },
  INMESH_ABORTED: { blame: 'caller', status: 499 },
  INMESH_CLOSED: { blame: 'caller', status: 503 },
  INMESH_CONFIG: { blame: 'config', status: 500 },
  INMESH_RESOLVE_FAILED: { blame: 'self', status: 502 },
  INMESH_REQUEST_INVALID: { blame: 'caller', status: 400 },
};

/** All codes, for documentation and tests. */
export const MESH_ERROR_CODES: readonly MeshErrorCode[] = Object.keys(CODES) as MeshErrorCode[];

/** What a `MeshError` knows besides its code and message. */
export interface MeshErrorDetails {
  readonly service?: string | undefined;
  readonly endpoint?: string | undefined;
  /** How many attempts were begun. */
  readonly attempts?: number | undefined;
  /** Whether any byte of the request may have left: `false` makes it safe to send again, whatever the method. */
  readonly sent?: boolean | undefined;
  readonly cause?: unknown;
}

const BRAND = Symbol.for('inmesh.error');

/** The one error class of inmesh. `code` tells what happened; `isMeshError` recognises it across two copies of the package. */
export class MeshError extends Error {
  override readonly name: string = 'MeshError';
  readonly code: MeshErrorCode;
  readonly service: string | undefined;
  endpoint: string | undefined;
  attempts: number;
  /** Whether any byte of the request may have left. */
  readonly sent: boolean;
  /** Whether it tells nothing of its endpoint after all: a connection was closed while it lay idle. */
  excused = false;
  /** Whether retries or their budget were used up on it: whoever passes it on answers with `x-mesh-retry: never`. */
  retriesSpent = false;

  constructor(code: MeshErrorCode, message: string, details: MeshErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.service = details.service;
    this.endpoint = details.endpoint;
    this.attempts = details.attempts ?? 0;
    this.sent = details.sent ?? true;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** Who is to answer for it. */
  get blame(): Blame {
    return CODES[this.code].blame;
  }

  /** The HTTP status a gateway would answer with. */
  get statusCode(): number {
    return CODES[this.code].status;
  }
}

/** Finds the `MeshError` in `error` or beneath its `cause`s: built-in fetch wraps it in `TypeError: fetch failed`. */
export function meshErrorOf(error: unknown): MeshError | undefined {
  for (let depth = 0; depth < 8 && typeof error === 'object' && error !== null; depth++) {
    if (BRAND in error) return error as unknown as MeshError;
    error = (error as { cause?: unknown }).cause;
  }
  return undefined;
}

/** Whether `error` is a `MeshError`, or wraps one as built-in fetch does; with `code`, one of that code. */
export function isMeshError(error: unknown, code?: MeshErrorCode): boolean {
  const found = meshErrorOf(error);
  return found !== undefined && (code === undefined || found.code === code);
}
