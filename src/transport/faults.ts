import { MeshError, type MeshErrorCode, type MeshErrorDetails, meshErrorOf } from '../core/errors.ts';

/** What is known of the attempt in which something went wrong. */
export interface FaultContext {
  readonly service: string;
  readonly endpoint: string;
  /** How many attempts were begun, this one included. */
  readonly attempts: number;
  /** Whether the request's first byte may have left. */
  readonly sent: boolean;
  /** The response's status where its head had arrived. */
  readonly status?: number;
}

const RESETS = new Set([
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
]);
const CALLER_FAULTS = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_ABORTED',
]);
/** What this process itself has run out of: files, memory. No endpoint is to blame, and no other one would do better. */
const EXHAUSTED = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);
const TLS_ALERTS =
  /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|CRL_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH)/;
const EPROTO = /^(EPROTO|ERR_OSSL)/;

/** Says in a `MeshError` what undici, TLS or the socket reported, and whether the request may have been received. */
export function faultOf(error: unknown, context: FaultContext): MeshError {
  const known = meshErrorOf(error);
  if (known !== undefined) return known;
  const code = codeOf(error);
  const unprocessed = isUnprocessed(error);
  const details: MeshErrorDetails = {
    service: context.service,
    endpoint: context.endpoint,
    attempts: context.attempts,
    sent: context.sent && !unprocessed,
    cause: error,
  };
  return new MeshError(meshCodeOf(code, error, context, unprocessed), describe(code, error, context), details);
}

function meshCodeOf(code: string, error: unknown, { sent }: FaultContext, unprocessed: boolean): MeshErrorCode {
  if (CALLER_FAULTS.has(code)) return code === 'UND_ERR_ABORTED' ? 'INMESH_ABORTED' : 'INMESH_REQUEST_INVALID';
  if (EXHAUSTED.has(code)) return 'INMESH_OVERLOADED';
  if (TLS_ALERTS.test(code) || (!sent && EPROTO.test(code))) return 'INMESH_TLS';
  if (unprocessed) return 'INMESH_RESET';
  if (code === 'UND_ERR_CLOSED' || code === 'UND_ERR_DESTROYED') return 'INMESH_RESET';
  if (!sent) return 'INMESH_CONNECT_FAILED';
  if (RESETS.has(code)) return 'INMESH_RESET';
  if (isParserError(error) || code.startsWith('HPE_') || code.startsWith('UND_ERR_') || code.startsWith('ERR_HTTP2'))
    return 'INMESH_PROTOCOL';
  return 'INMESH_RESET';
}

/**
 * Proof that the endpoint did not process the request although bytes had left: HTTP/2's REFUSED_STREAM, and a GOAWAY
 * whose last stream id is below ours, which undici reports as an informational error of that text.
 */
function isUnprocessed(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { http2ErrorCode, message } = error as { http2ErrorCode?: unknown; message?: unknown };
  return http2ErrorCode === 7 || (typeof message === 'string' && message.includes('"GOAWAY" frame received'));
}

/** undici's error for bytes that are no HTTP; in the middle of a body it comes without a code. */
function isParserError(error: unknown): boolean {
  return error instanceof Error && error.name === 'HTTPParserError';
}

/** The first code found in an error, its causes, or the errors of an `AggregateError` (happy eyeballs). */
export function codeOf(error: unknown, depth = 0): string {
  if (typeof error !== 'object' || error === null || depth > 4) return '';
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown };
  if (typeof code === 'string') return code;
  if (Array.isArray(errors)) return codeOf(errors[0], depth + 1);
  return codeOf(cause, depth + 1);
}

/** OpenSSL's own words are in `reason`; its messages are for those who know its source. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const { reason } = error as { reason?: unknown };
  return typeof reason === 'string' ? reason : error.message;
}

function describe(code: string, error: unknown, { service, endpoint, sent, status }: FaultContext): string {
  const reason = reasonOf(error) || code || String(error);
  const where = `${service} at ${endpoint}`;
  if (TLS_ALERTS.test(code))
    return `TLS with ${where} failed: ${reason}. Check the service's tls options and the certificate's names`;
  if (EXHAUSTED.has(code))
    return `This process has run out of what a connection to ${where} takes: ${reason}. Raise its limits (ulimit -n), or lower limits.perEndpoint`;
  if (CALLER_FAULTS.has(code)) return `The request to ${service} can't be sent as it is: ${reason}`;
  if (!sent) return `No connection to ${where}: ${reason}`;
  if (status !== undefined) return `The response body of ${where} broke off after status ${status}: ${reason}`;
  return `${where} did not answer properly: ${reason}`;
}
