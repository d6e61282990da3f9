import type { PeerCertificate } from 'node:tls';
import { MeshError } from '../core/errors.ts';

type Check = (hostname: string, certificate: PeerCertificate) => Error | undefined;

/**
 * A service's own check of certificates. What it says may be any error; here it becomes one that is known for what it
 * is, or a refused certificate would pass for an endpoint that is down. Where the check itself throws the certificate is
 * refused, for Node would end the process.
 */
export function verifier(service: string, check: Check): Check {
  return (hostname, certificate) => {
    let complaint: Error | undefined;
    try {
      complaint = check(hostname, certificate);
    } catch (error) {
      complaint = error instanceof Error ? error : new Error('it threw', { cause: error });
    }
    if (complaint === undefined) return undefined;
    const message = `TLS with ${service} failed: tls.checkServerIdentity refused the certificate: ${complaint.message}`;
    return new MeshError('INMESH_TLS', message, { service, sent: false, cause: complaint });
  };
}
