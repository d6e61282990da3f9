import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, run } from './run.ts';

/** What each example prints, among other things. */
const PRINTS: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  'custom-layer.ts': [
    'attempt 0: 503, failure',
    'attempt 1: 200, success',
    '200 fine',
    'the server saw x-tenant: acme, acme',
    /^- tenant: names the tenant on every request\n- retry: /m,
    /^- balance: .+\n- log: added by the application$/m,
  ],
  'fall-back-chain.ts': ['the last resort\nfound in DNS\n'],
  'quick-start.ts': [/^200 \{ from: '127\.0\.0\.1:\d+' \}$/m, /^20 more, all answered by 127\.0\.0\.1:\d+$/m],
  'streaming.ts': ['data: tick 1 (in flight: 1)', 'data: tick 3 (in flight: 1)', 'left (in flight: 0)'],
  'testing.ts': ['pass 2', 'fail 0'],
  'tls.ts': ['200 hello shop', /^INMESH_TLS .+Host: users\. is not in the cert's altnames: DNS:orders/m],
  'undici.ts': [
    'mesh.request 200 { items: [] }',
    'undici.request 200 { items: [] }',
    'fetch with dispatcher 200 { items: [] }',
    'fetch after install 200 { items: [] }',
    'a host that is no service 200 { items: [] }',
  ],
};

describe('the examples', { timeout: 60_000 }, () => {
  it('are all run here', async () => {
    const files = (await readdir(join(root, 'examples'))).filter((name) => name.endsWith('.ts'));
    expect(files.toSorted()).toEqual(Object.keys(PRINTS));
  });

  it.each(Object.entries(PRINTS))('%s runs, ends by itself, and prints what it should', async (name, lines) => {
    const { code, stdout, stderr } = await run(`examples/${name}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const line of lines) expect(stdout).toMatch(line);
  });
});
