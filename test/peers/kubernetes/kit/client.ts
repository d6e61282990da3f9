import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubernetesOptions } from '../../../../src/index.ts';
import type { ApiServer } from './server.ts';

/** Who asks the API server: a service account with a token file, as a pod has it. */
export interface Client {
  /** As the API server names it. */
  readonly user: string;
  readonly options: KubernetesOptions;
  /** Puts another token into the file, all at once, as the kubelet does. */
  renew: (token: string) => Promise<void>;
}

/** @param server where it believes the API server to be. */
export async function newClient(
  api: ApiServer,
  namespace: string,
  account: string,
  server: string = api.url,
): Promise<Client> {
  const user = await api.admin.addAccount(namespace, account);
  const tokenFile = join(api.folder, `${account}.token`);
  const renew = async (token: string): Promise<void> => {
    await writeFile(`${tokenFile}.new`, token, { mode: 0o600 });
    await rename(`${tokenFile}.new`, tokenFile);
  };
  await renew(await api.admin.token(namespace, account));
  return { user, options: { server, tokenFile, ca: api.ca, namespace }, renew };
}
