import { webcrypto } from 'node:crypto';

/** A certificate signed by itself, and its key, as PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** A new one, for `localhost`. */
export async function newIdentity(): Promise<Identity> {
  provideMetadata();
  const { cryptoProvider, X509CertificateGenerator } = await import('@peculiar/x509');
  cryptoProvider.set(webcrypto as never);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({ name: 'CN=localhost', keys: keys as never });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    cert: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${key.match(/.{1,64}/g)!.join('\n')}\n-----END PRIVATE KEY-----\n`,
  };
}

/** @peculiar/x509 is built on a container that refuses to load without decorator metadata, and brings none itself. */
function provideMetadata(): void {
  const metadata = new WeakMap<object, Map<unknown, unknown>>();
  const get = (key: unknown, target: object): unknown => metadata.get(target)?.get(key);
  const define = (key: unknown, value: unknown, target: object): void => {
    metadata.set(target, (metadata.get(target) ?? new Map<unknown, unknown>()).set(key, value));
  };
  Object.assign(Reflect, { getMetadata: get, getOwnMetadata: get, defineMetadata: define });
}
