import { expect, test } from 'vitest';
import { createMesh } from '../../src/index.ts';
import { meshErrorOf } from '../../src/core/errors.ts';
import type { KubernetesOptions } from '../../src/mesh/options/index.ts';

function problemOf(kubernetes: KubernetesOptions, target = 'k8s://shop/orders:http'): string {
  try {
    createMesh({ services: { orders: target }, kubernetes });
    return '';
  } catch (error) {
    return meshErrorOf(error)!.message;
  }
}

test.each<KubernetesOptions>([
  {},
  { server: 'https://10.0.0.1:6443', tokenFile: '/not/there/yet', ca: '/not/there/yet' },
  { server: 'https://rancher.test/k8s/clusters/c-1', token: 'abc.def', headers: { 'impersonate-user': 'jane' } },
  { server: 'http://127.0.0.1:8001', token: 'abc' },
  { kubeconfig: '~/.kube/config', namespace: 'shop' },
])('a way to reach the API server is taken: %o', (kubernetes) => {
  expect(problemOf(kubernetes)).toBe('');
});

test.each<[KubernetesOptions, string]>([
  [{ server: '10.0.0.1:6443' }, 'kubernetes.server: no URL; write https://host:port'],
  [
    { server: 'http://api.test', token: 'secret' },
    'kubernetes.server: is http:// and would get the token in plain text',
  ],
  [{ server: 'https://me:pw@api.test' }, 'kubernetes.server: holds more than protocol, host, port and path'],
  [{ server: 'https://a', token: 'a', tokenFile: 'b' }, 'kubernetes.token: given, and tokenFile too'],
  [{ server: 'https://a', token: 'a\r\nx: y' }, 'kubernetes.token: holds what no token can'],
  [{ server: 'https://a', cert: 'a.pem' }, 'kubernetes.key: missing; cert needs its key'],
  [{ token: 'a' }, 'kubernetes.token: means nothing without server'],
  [{ kubeconfig: 'a', server: 'https://a' }, 'kubernetes.server: contradicts kubeconfig'],
  [{ kubeconfig: 'a', namespace: 'a/b' }, 'kubernetes.namespace: no name of a namespace'],
  [{ sever: 'https://a' } as KubernetesOptions, 'kubernetes.sever: unknown key; did you mean server?'],
])('what is wrong with %o is said', (kubernetes, problem) => {
  expect(problemOf(kubernetes)).toContain(problem);
});

test('a token never shows in a message', () => {
  expect(problemOf({ server: 'http://api.test', token: 'my-secret-token' })).not.toContain('my-secret-token');
});

test.each([
  ['k8s://', 'names no service; write k8s://service'],
  ['k8s://a/b/c', 'names no service'],
  ['k8s://shop/Orders', 'the service "Orders", which is no name in Kubernetes'],
  ['k8s://orders.shop.svc:80', 'write the names alone, not a DNS name'],
  ['k8s://orders:99999', 'has the port "99999"; write a port\'s name or a number, 1 to 65535'],
  ['k8s://orders:a:b', 'has more than one port'],
  ['k8x://orders', 'did you mean k8s://?'],
])('the target %s is refused with what to write', (target, problem) => {
  expect(problemOf({}, target)).toContain(problem);
});
