/** What `k8s://[namespace/]service[:port]` names. */
export interface KubernetesTarget {
  /** Undefined: the namespace that this process runs in. */
  readonly namespace: string | undefined;
  readonly service: string;
  /** A port's name, or the number that the pods listen on; undefined where the service has one port only. */
  readonly port: string | number | undefined;
}

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const PORT_NAME = /^(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/;

const FORM = 'write k8s://service, k8s://namespace/service or k8s://namespace/service:port';

/** The parts of a target, or what is wrong with it. */
export function parseKubernetesTarget(text: string): KubernetesTarget | string {
  const rest = text.replace(/^k8s:\/\//i, '');
  const parts = rest.split('/');
  if (rest === '' || parts.length > 2) return `names no service; ${FORM}`;
  const [service = '', port, ...more] = parts.at(-1)!.split(':');
  const namespace = parts.length === 2 ? parts[0] : undefined;
  if (more.length > 0) return `has more than one port; ${FORM}`;
  if (namespace !== undefined && !LABEL.test(namespace)) return `has ${nameProblem('namespace', namespace)}`;
  if (!LABEL.test(service)) return `has ${nameProblem('service', service)}`;
  if (port === undefined) return { namespace, service, port: undefined };
  if (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535) {
    return { namespace, service, port: Number(port) };
  }
  if (!PORT_NAME.test(port)) return `has the port ${JSON.stringify(port)}; write a port's name or a number, 1 to 65535`;
  return { namespace, service, port };
}

function nameProblem(what: string, name: string): string {
  const hint = name.includes('.') ? '; write the names alone, not a DNS name' : '';
  return `the ${what} ${JSON.stringify(name)}, which is no name in Kubernetes (a-z, 0-9 and "-", at most 63)${hint}; ${FORM}`;
}
