/** What went wrong with a source, told apart by `kind`: the cause of every `INMESH_RESOLVE_FAILED`. */
export class Fault extends Error {
  override readonly name: string = 'Fault';
  /**
   * From DNS: `NXDOMAIN` `NODATA` `SERVFAIL` `REFUSED` (or another response code), `TIMEOUT`, `MALFORMED`,
   * `UNREACHABLE`, `CNAME_LOOP`, `UNAVAILABLE` (an SRV target of `.`). From files: the error code of the file system, or
   * `INVALID`. `EMPTY`: the source answers well and names no endpoint.
   */
  readonly kind: string;

  constructor(kind: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

/** `error` as a fault; what is none becomes one of its own code or name. */
export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (!(error instanceof Error)) return new Fault('UNKNOWN', String(error), error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return new Fault(code, error.message, error);
}
