import { sign } from 'node:crypto';
import { request } from 'node:https';
import { json } from 'node:stream/consumers';

export const ADMIN_TOKEN = 'admin-of-the-tests';

/** How long the API server overlooks that a token has expired, s. */
const LEEWAY = 60;

type Json = Record<string, unknown>;

export function slicesOf(namespace: string): string {
  return `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
}

/** The cluster's administrator, who may do everything. */
export class Admin {
  readonly #url: string;
  readonly #ca: string;
  readonly #signingKey: string;

  constructor(url: string, ca: string, signingKey: string) {
    this.#url = url;
    this.#ca = ca;
    this.#signingKey = signingKey;
  }

  /** @throws with what the API server said where it did not do as asked. */
  async call(method: string, path: string, body?: Json): Promise<Json> {
    const { status, answer } = await this.#send(method, path, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
    return answer;
  }

  async isReady(): Promise<boolean> {
    try {
      const { status } = await this.#send('GET', slicesOf('default'));
      return status === 200 && (await this.#send('GET', '/readyz')).status === 200;
    } catch {
      return false;
    }
  }

  /** Makes a namespace where there is none of that name. */
  async addNamespace(name: string): Promise<void> {
    const { status } = await this.#send('GET', `/api/v1/namespaces/${name}`);
    if (status === 404) await this.call('POST', '/api/v1/namespaces', { metadata: { name } });
  }

  /** Makes a service account, and its namespace. @returns the name of its user. */
  async addAccount(namespace: string, account: string): Promise<string> {
    await this.addNamespace(namespace);
    await this.call('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: account } });
    return `system:serviceaccount:${namespace}:${account}`;
  }

  /** Lets an account do what the documentation says that it must be able to. */
  async allow(namespace: string, account: string): Promise<void> {
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    const resource = { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'] };
    await this.call('POST', `${rbac}/roles`, {
      metadata: { name: account },
      rules: [{ ...resource, verbs: ['get', 'list', 'watch'] }],
    });
    await this.call('POST', `${rbac}/rolebindings`, {
      metadata: { name: account },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: account },
      subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
    });
  }

  /** A token of an account from the TokenRequest API, as the kubelet mounts them: for ten minutes, which is the least. */
  async token(namespace: string, account: string): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
    const answer = await this.call('POST', path, { spec: { expirationSeconds: 600 } });
    return (answer['status'] as { token: string }).token;
  }

  /**
   * The same token, but for `seconds`: claims of the TokenRequest API, signed again with the cluster's own key. For the
   * API server it is one of its own, which it takes for a minute (its leeway) after it has expired, then refuses.
   */
  async shortToken(namespace: string, account: string, seconds: number): Promise<string> {
    const [head, claims] = (await this.token(namespace, account)).split('.') as [string, string];
    const said = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Json;
    const exp = Math.floor(Date.now() / 1_000) + seconds - LEEWAY;
    const text = `${head}.${Buffer.from(JSON.stringify({ ...said, exp })).toString('base64url')}`;
    const signature = sign('sha256', Buffer.from(text), { key: this.#signingKey, dsaEncoding: 'ieee-p1363' });
    return `${text}.${signature.toString('base64url')}`;
  }

  /** What the API server says to somebody who asks with this token for slices. */
  async statusFor(token: string, namespace: string): Promise<number> {
    return (await this.#send('GET', slicesOf(namespace), undefined, token)).status;
  }

  /** The version of a namespace's slices as they are now. */
  async sliceVersion(namespace: string): Promise<string> {
    const { metadata } = await this.call('GET', slicesOf(namespace));
    return (metadata as { resourceVersion: string }).resourceVersion;
  }

  /** How a watch from a version of the past fares: the code of its answer, or of the error that it begins with. */
  async watchStatus(namespace: string, version: string): Promise<number> {
    const query = `watch=true&resourceVersion=${version}&timeoutSeconds=1`;
    const { status, answer } = await this.#send('GET', `${slicesOf(namespace)}?${query}`);
    return answer['type'] === 'ERROR' ? (answer['object'] as { code: number }).code : status;
  }

  async #send(
    method: string,
    path: string,
    body?: Json,
    token: string = ADMIN_TOKEN,
  ): Promise<{ status: number; answer: Json }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; answer: Json }>();
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
    };
    const sent = request(`${this.#url}${path}`, { method, headers, ca: this.#ca }, (response) => {
      const status = response.statusCode!;
      if (response.headers['content-type']?.includes('json') !== true) {
        response.resume().on('end', () => resolve({ status, answer: {} }));
      } else json(response).then((answer) => resolve({ status, answer: answer as Json }), reject);
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    return promise;
  }
}
