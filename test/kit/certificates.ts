import { webcrypto } from 'node:crypto';

/** A certificate and its key, as PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says. Instants are days from now; without `uris` and `names` it says nothing of whom it is for. */
export interface Claim {
  readonly names?: readonly string[];
  /** SPIFFE identities, as URI names. */
  readonly uris?: readonly string[];
  readonly from?: number;
  readonly until?: number;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY = 86_400_000;

let serial = 0;

/** An authority of one's own, made anew, that signs what it is asked to. */
export class Authority {
  readonly identity: Identity;
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #name: string;

  private constructor(identity: Identity, keys: webcrypto.CryptoKeyPair, name: string) {
    this.identity = identity;
    this.#keys = keys;
    this.#name = name;
  }

  static async create(name = 'CN=Authority'): Promise<Authority> {
    const { BasicConstraintsExtension, KeyUsageFlags, KeyUsagesExtension } = await x509();
    const keys = await newKeys();
    const extensions = [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ];
    return new Authority(await certify(name, name, keys, keys, extensions), keys, name);
  }

  /** What clients trust. */
  get cert(): string {
    return this.identity.cert;
  }

  /** A certificate for an endpoint or a client. */
  async issue(claim: Claim = {}): Promise<Identity> {
    const keys = await newKeys();
    return certify('CN=leaf', this.#name, keys, this.#keys, await naming(claim), claim);
  }
}

/** A certificate signed by itself, for `localhost` or as claimed. */
export async function newIdentity(claim: Claim = {}): Promise<Identity> {
  const keys = await newKeys();
  return certify('CN=localhost', 'CN=localhost', keys, keys, await naming(claim), claim);
}

type X509 = typeof import('@peculiar/x509');
type Extension = import('@peculiar/x509').Extension;

async function naming({ names = [], uris = [] }: Claim): Promise<Extension[]> {
  const { SubjectAlternativeNameExtension } = await x509();
  const all = [
    ...names.map((value) => ({ type: 'dns' as const, value })),
    ...uris.map((value) => ({ type: 'url' as const, value })),
  ];
  return all.length === 0 ? [] : [new SubjectAlternativeNameExtension(all)];
}

async function certify(
  subject: string,
  issuer: string,
  { publicKey, privateKey }: webcrypto.CryptoKeyPair,
  signing: webcrypto.CryptoKeyPair,
  extensions: Extension[],
  { from = -1, until = 365 }: Claim = {},
): Promise<Identity> {
  const { X509CertificateGenerator } = await x509();
  const certificate = await X509CertificateGenerator.create({
    serialNumber: (++serial).toString(16).padStart(16, '1'),
    subject,
    issuer,
    notBefore: new Date(Date.now() + from * DAY),
    notAfter: new Date(Date.now() + until * DAY),
    signingAlgorithm: ALGORITHM,
    publicKey: publicKey as never,
    signingKey: signing.privateKey as never,
    extensions,
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey)).toString('base64');
  return {
    cert: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${key.match(/.{1,64}/g)!.join('\n')}\n-----END PRIVATE KEY-----\n`,
  };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

let loaded: Promise<X509> | undefined;

function x509(): Promise<X509> {
  return (loaded ??= load());
}

async function load(): Promise<X509> {
  provideMetadata();
  const library = await import('@peculiar/x509');
  library.cryptoProvider.set(webcrypto as never);
  return library;
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
