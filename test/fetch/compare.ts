import { Agent, Dispatcher1Wrapper } from 'undici';
import { createFetch } from '../../src/transport/fetch/index.ts';
import { type Case, cases } from './cases.ts';
import { neutral } from './observe.ts';
import { type Servers, startServers } from './servers.ts';

const builtIn = globalThis.fetch;

/**
 * Where the fetch of Node 22.19 (undici 6.21) is at fault and ours does what the later ones do: it hangs on gzip that
 * breaks half way, takes any number of codings, cannot send bytes again on a redirect, forgets the reason of an abort
 * once the body has arrived, and refuses a content-length of the caller's own as soon as undici 8 is in the process.
 */
const FAULTS_OF_22 = [
  'content-encoding corrupt-late',
  'content-encoding many',
  'redirect of a PUT with bytes',
  'abort before reading a body that is all there',
  'sends its own content-length',
  'sends a wrong content-length',
];

export const bundled: number = Number.parseInt(process.versions['undici'] ?? '0', 10);

export interface Comparison {
  readonly cases: readonly Case[];
  readonly compare: (one: Case) => Promise<{ readonly ours: unknown; readonly builtIn: unknown }>;
  readonly close: () => Promise<void>;
}

/** Runs a case on built-in fetch and on ours, one after the other, against the same servers. */
export async function startComparison(): Promise<Comparison> {
  const servers: Servers = await startServers();
  const agent = new Agent();
  const legacy = bundled >= 8 ? agent : new Dispatcher1Wrapper(agent);
  const ours = createFetch(agent, legacy);
  return {
    cases: cases.filter(({ name }) => bundled > 6 || !FAULTS_OF_22.some((fault) => name.startsWith(fault))),
    async compare(one) {
      const observe = async (fetch: typeof globalThis.fetch): Promise<unknown> => {
        servers.takeSeen();
        return neutral(await one.run(fetch, servers), servers);
      };
      return { builtIn: await observe(builtIn), ours: await observe(ours) };
    },
    async close() {
      await agent.destroy();
      await servers.close();
    },
  };
}
