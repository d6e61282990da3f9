import type { PeerCertificate, TlsOptions as ServerOptions } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { meshErrorOf, type TlsOptions } from '../../src/index.ts';
import { Authority, type Identity, newIdentity } from '../kit/certificates.ts';
import { startTlsd } from '../kit/tlsd.ts';
import { send, torture } from './kit.ts';

let authority: Authority;
let good: Identity;

beforeAll(async () => {
  authority = await Authority.create();
  good = await authority.issue({ names: ['svc'] });
});

/** As SPIFFE has it: exactly one URI name, of our trust domain. */
function ofOurTrustDomain(_hostname: string, { subjectaltname = '' }: PeerCertificate): Error | undefined {
  const uris = subjectaltname.split(', ').filter((name) => name.startsWith('URI:'));
  if (uris.length !== 1) return new Error(`the certificate has ${uris.length} URI names; it must have one`);
  const domain = new URL(uris[0]!.slice(4)).host;
  return domain === 'ours.test' ? undefined : new Error(`the certificate is of trust domain ${domain}, not ours.test`);
}

const spiffe: TlsOptions = { checkServerIdentity: ofOurTrustDomain };
const demanding = { requestCert: true, rejectUnauthorized: true };
const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;

const refused: [what: string, server: () => Promise<ServerOptions> | ServerOptions, why: RegExp, tls?: TlsOptions][] = [
  ['expired', () => authority.issue({ names: ['svc'], from: -9, until: -1 }), /CERT_HAS_EXPIRED.*expired/],
  ['not-yet-valid', () => authority.issue({ names: ['svc'], from: 1 }), /CERT_NOT_YET_VALID.*not yet valid/],
  ['wrong-san', () => authority.issue({ names: ['other'] }), /ERR_TLS_CERT_ALTNAME_INVALID.*svc.*DNS:other/],
  ['no name at all', () => authority.issue(), /ERR_TLS_CERT_ALTNAME_INVALID/],
  ['self-signed', () => newIdentity({ names: ['svc'] }), /DEPTH_ZERO_SELF_SIGNED_CERT.*self-signed/],
  ['another authority', async () => (await Authority.create('CN=Other')).issue({ names: ['svc'] }), /UNABLE_TO_/],
  ['wrong-td', () => authority.issue({ uris: ['spiffe://theirs.test/svc'] }), /theirs\.test, not ours\.test/, spiffe],
  [
    'two-uri-sans',
    () => authority.issue({ uris: ['spiffe://ours.test/svc', 'spiffe://ours.test/admin'] }),
    /has 2 URI names/,
    spiffe,
  ],
  [
    'wrong-san, TLS 1.2, whose sessions can be resumed',
    async () => ({ ...(await authority.issue({ names: ['other'] })), maxVersion: 'TLSv1.2' }),
    /ERR_TLS_CERT_ALTNAME_INVALID/,
  ],
  [
    'wrong-td, TLS 1.2, whose sessions can be resumed',
    async () => ({ ...(await authority.issue({ uris: ['spiffe://theirs.test/svc'] })), maxVersion: 'TLSv1.2' }),
    /theirs\.test, not ours\.test/,
    spiffe,
  ],
  ['TLS 1.1', () => ({ ...good, ...old }), /ERR_SSL_.*version/],
  [
    'TLS 1.2 where 1.3 is asked',
    () => ({ ...good, maxVersion: 'TLSv1.2' }),
    /ERR_SSL_.*version/,
    { minVersion: 'TLSv1.3' },
  ],
  [
    'no client certificate, TLS 1.2',
    () => ({ ...good, ...demanding, ca: authority.cert, maxVersion: 'TLSv1.2' }),
    /ERR_SSL_.*handshake failure/,
  ],
  [
    'no client certificate, TLS 1.3',
    () => ({ ...good, ...demanding, ca: authority.cert }),
    /ERR_SSL_.*ALERT_CERTIFICATE_REQUIRED.*certificate required/,
  ],
];

describe.each(['https', 'h2'] as const)('21 TLS over %s', (protocol) => {
  it.each(refused)(
    '%s: refused with its reason; nothing gets through, nobody is ejected, no breaker opens, nothing is repeated',
    async (what, server, why, tls = {}) => {
      const options = { ...(await server()), ALPNProtocols: [protocol === 'h2' ? 'h2' : 'http/1.1'] };
      const servers = [await startTlsd(options), await startTlsd(options)];
      const addresses = servers.map(({ address }) => address);
      const { mesh, watch } = torture(addresses, { protocol, tls: { ca: authority.cert, ...tls } });
      const calls = 24;
      for (let call = 0; call < calls; call++) {
        const method = call % 2 === 0 ? 'GET' : 'POST';
        const error = meshErrorOf(await watch.call(() => send(mesh, { method }).catch((reason: unknown) => reason)));
        expect([error?.code, error?.blame, error?.attempts]).toEqual(['INMESH_TLS', 'config', 1]);
        expect(`${(error?.cause as { code?: string } | undefined)?.code}: ${error?.message}`).toMatch(why);
        // In TLS 1.3 the server's verdict on the client comes after the client's first bytes.
        expect(error?.sent).toBe(what.endsWith('1.3'));
        expect(addresses).toContain(error?.endpoint);
      }
      expect(servers[0]!.requests + servers[1]!.requests).toBe(0);
      expect(servers[0]!.connections + servers[1]!.connections).toBeLessThanOrEqual(calls);
      await watch.check({ healthy: addresses });
    },
  );
});
