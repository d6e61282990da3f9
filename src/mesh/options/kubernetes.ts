import type { Path } from './problems.ts';
import type { KubernetesOptions } from './types.ts';

/** What the fields of `kubernetes` say about each other. Files are not opened: they may come later, and change. */
export function checkKubernetes(options: KubernetesOptions, report: (path: Path, text: string) => void): void {
  const say = (field: keyof KubernetesOptions, text: string): void => report(['kubernetes', field], text);
  const given = Object.keys(options) as (keyof KubernetesOptions)[];
  const { server, token, tokenFile, cert, key, namespace, kubeconfig } = options;
  if (kubeconfig !== undefined) {
    for (const field of given) {
      if (field !== 'kubeconfig' && field !== 'namespace')
        say(field, 'contradicts kubeconfig, which says it; give one');
    }
  } else if (server === undefined) {
    for (const field of given) say(field, 'means nothing without server; a pod has a service account of its own');
  } else checkServer(server, token !== undefined || tokenFile !== undefined, say);
  if (token !== undefined && tokenFile !== undefined) say('token', 'given, and tokenFile too; give one');
  if (token !== undefined && /[^\x21-\x7e]/.test(token))
    say('token', 'holds what no token can: blanks or control characters');
  if (cert !== undefined && key === undefined) say('key', 'missing; cert needs its key');
  if (key !== undefined && cert === undefined) say('cert', 'missing; key needs its cert');
  if (namespace !== undefined && !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(namespace))
    say('namespace', 'no name of a namespace: a-z, 0-9 and "-", at most 63 characters');
}

function checkServer(server: string, hasToken: boolean, say: (field: 'server', text: string) => void): void {
  const url = URL.parse(server);
  if (url === null || !/^https?:$/.test(url.protocol)) return say('server', 'no URL; write https://host:port');
  if (url.username !== '' || url.search !== '' || url.hash !== '')
    return say('server', 'holds more than protocol, host, port and path; leave it out');
  const isLocal = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol === 'http:' && hasToken && !isLocal)
    say('server', 'is http:// and would get the token in plain text; write https://');
}
