import { Fault } from '../../resolver/index.ts';

/** What the API server answered instead of what it was asked for. */
export class ApiFault extends Fault {
  readonly status: number;
  /** How long it asks to be left alone, ms. */
  readonly retryAfter: number;

  constructor(kind: string, message: string, status: number, retryAfter = 0) {
    super(kind, message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** What is asked of the API, for messages. */
export interface Asked {
  readonly verb: 'list' | 'watch';
  readonly namespace: string;
  readonly server: string;
}

/** A status, of an answer or of an event within a watch, as a fault with its remedy. */
export function statusFault(status: number, said: string, asked: Asked, retryAfter?: number): ApiFault {
  const { verb, server, namespace } = asked;
  const what = `${verb} endpointslices in the namespace ${namespace}`;
  const quoted = said === '' ? '' : ` (${said.slice(0, 300)})`;
  switch (status) {
    case 401:
      return new ApiFault('UNAUTHORIZED', `${server} takes the token for invalid or expired${quoted}`, status);
    case 403:
      return new ApiFault(
        'FORBIDDEN',
        `${server} does not let ${userIn(said)} ${what}: ${remedy(said, namespace)}`,
        status,
      );
    case 404:
      return new ApiFault('NO_API', `${server} serves no discovery.k8s.io/v1${quoted}; is it an API server?`, status);
    case 410:
      return new ApiFault('EXPIRED', `${server} no longer knows the version from which to ${what}${quoted}`, status);
    case 429:
      return new ApiFault('BUSY', `${server} is too busy to ${what}${quoted}`, status, retryAfter);
    default: {
      const kind = status >= 500 ? 'SERVER_ERROR' : 'REFUSED';
      return new ApiFault(kind, `${server} answered ${status} when asked to ${what}${quoted}`, status, retryAfter);
    }
  }
}

const USER = /User "([^"]+)"/;

function userIn(said: string): string {
  return USER.exec(said)?.[1] ?? 'this account';
}

/** The rule that is missing, and the two commands that apply it. */
function remedy(said: string, namespace: string): string {
  const user = USER.exec(said)?.[1];
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user ?? '');
  const subject = account
    ? `--serviceaccount=${account[1]}:${account[2]}`
    : user === undefined
      ? '--serviceaccount=NAMESPACE:NAME'
      : `--user=${user}`;
  return (
    `it needs the rule { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["get", "list", "watch"] }; apply it with\n` +
    `  kubectl create role inmesh -n ${namespace} --verb=get,list,watch --resource=endpointslices.discovery.k8s.io\n` +
    `  kubectl create rolebinding inmesh${account ? `-${account[2]}` : ''} -n ${namespace} --role=inmesh ${subject}`
  );
}

const TLS_CODES = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH)/;

/** What kept the API server from answering at all. */
export function reachFault(error: unknown, server: string): Fault {
  if (error instanceof Fault) return error;
  const { code = '', message } = rootOf(error);
  if (TLS_CODES.test(code)) {
    return new Fault('TLS', `${server} does not prove who it is (${message}); check kubernetes.ca`, error);
  }
  return new Fault('UNREACHABLE', `${server} cannot be reached (${message || code})`, error);
}

/** Of several addresses tried, the first one's error. */
function rootOf(error: unknown): { code?: string; message: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return rootOf(error.errors[0]);
  if (error instanceof Error) return error;
  return { message: String(error) };
}
