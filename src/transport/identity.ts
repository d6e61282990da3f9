import type { Layer } from '../model/service.ts';
import { type ConnectionSettings, isSecure } from './connection.ts';

/**
 * Names on every request whom the endpoint must prove to be. undici closes a connection whose next request names
 * somebody else, so the name is always the service's (or `tls.servername`), whatever `Host` the caller sends.
 */
export function identityLayer(
  settings: { name: string } & Pick<ConnectionSettings, 'protocol' | 'tls'>,
): Layer | undefined {
  if (!isSecure(settings.protocol)) return undefined;
  const servername = settings.tls?.servername ?? settings.name;
  return (next) => (call) => {
    const request = { ...call.request, servername };
    return next({ ...call, request });
  };
}
