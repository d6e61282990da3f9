import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pathOf } from './kit/peer.ts';

const run = promisify(execFile);
const network = `inmesh-${process.pid}`;
const ip = (...args: string[]): Promise<unknown> => run(pathOf('ip'), args);

// A network of our own, in which nobody else is: a link at whose other end nobody answers, and routes that refuse.
beforeAll(async () => {
  await ip('netns', 'add', network);
  await ip('-n', network, 'link', 'set', 'lo', 'up');
  await ip('-n', network, 'link', 'add', 'silent', 'type', 'veth', 'peer', 'name', 'nobody');
  await ip('-n', network, 'addr', 'add', '10.77.0.1/24', 'dev', 'silent');
  await ip('-n', network, 'link', 'set', 'silent', 'up');
  await ip('-n', network, 'link', 'set', 'nobody', 'up');
  for (const [kind, range] of [
    ['blackhole', '10.77.1.0/24'],
    ['unreachable', '10.77.2.0/24'],
    ['prohibit', '10.77.3.0/24'],
  ] as const) {
    await ip('-n', network, 'route', 'add', kind, range);
  }
});
afterAll(() => ip('netns', 'delete', network));

it('10 route-blackhole, unreachable, prohibited, and a link that stays silent: failures to connect, mended elsewhere whatever the method', async () => {
  const addresses = ['10.77.1.1:80', '10.77.2.1:80', '10.77.3.1:80', '10.77.0.9:80', '192.0.2.1:80'];
  const script = new URL('./kit/unreachable.ts', import.meta.url).pathname;
  const { stdout } = await run(pathOf('ip'), ['netns', 'exec', network, process.execPath, script, ...addresses]);
  const report = JSON.parse(stdout) as Record<string, { took: number }>;
  for (const address of addresses) {
    const { took, ...rest } = report[address]!;
    const met = { code: 'INMESH_CONNECT_FAILED', sent: false, blame: 'endpoint', answered: 40 };
    expect({ address, ...rest }).toEqual({ address, ...met });
    expect(took).toBeLessThan(1_500);
  }
});
