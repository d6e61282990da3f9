import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DnsServer } from '../../src/testing/dns-server.ts';

const source = (path: string): string => new URL(`../../src/${path}`, import.meta.url).href;

/** Runs `script` in a process of its own, with `env` and `createResolver` in scope; what it prints comes back parsed. */
async function run(script: string): Promise<unknown> {
  const prelude = `
    import { createResolver } from ${JSON.stringify(source('resolver/index.ts'))};
    import { createEnv } from ${JSON.stringify(source('core/env.ts'))};
    const env = createEnv();
    const held = () => process.getActiveResourcesInfo().filter((kind) => !/Pipe|TTY|FSReq|CloseReq/.test(kind));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', prelude + script], {
    timeout: 10_000,
  });
  return JSON.parse(stdout);
}

async function aFile(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'inmesh-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await writeFile(join(directory, 'a.json'), '["10.0.0.1:80"]');
  return `file://${join(directory, 'a.json')}`;
}

describe('what discovery keeps open', () => {
  it('keeps no process alive, though everything is being watched and one server is silent', async () => {
    const dns = await DnsServer.start({ zone: { 'a.test': { A: ['10.0.0.1'] } } });
    onTestFinished(() => dns.close());
    dns.fault('silent.test', 'drop');
    const targets = [
      `dns://a.test:80?server=${dns.address}`,
      `dns://silent.test:80?server=${dns.address}`,
      await aFile(),
    ];
    const held = await run(`
      let told = 0;
      for (const target of ${JSON.stringify(targets)}) createResolver(target, env).watch(() => told++);
      // One short reference lets the answers come in; after it, nothing may hold the process.
      const wait = setInterval(() => {
        if (told < 2) return;
        clearInterval(wait);
        setImmediate(() => console.log(JSON.stringify(held().filter((kind) => kind !== 'Immediate'))));
      }, 5);`);
    expect(held).toEqual([]);
  });

  it('loads neither the DNS code nor dns-packet before the first watch, and holds nothing', async () => {
    const result = await run(`
      const { registerHooks } = await import('node:module');
      const loaded = [];
      registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
      const resolver = createResolver('dns://127.0.0.1:80', env);
      createResolver(['srv://_a._tcp.b', ${JSON.stringify(await aFile())}], env);
      const before = [loaded.length, held()];
      resolver.watch((snapshot) => {
        const dns = loaded.filter((url) => /dns-packet|resolver.dns.load/.test(url)).length > 1;
        console.log(JSON.stringify({ before, dns, state: snapshot.state }));
      });`);
    expect(result).toEqual({ before: [0, []], dns: true, state: 'fresh' });
  });
});
