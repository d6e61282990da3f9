import { onTestFinished } from 'vitest';
import { createResolver } from '../../src/resolver/index.ts';
import { DnsServer, type DnsServerOptions } from '../../src/testing/dns-server.ts';
import type { ManualClock } from '../../src/testing/manual-clock.ts';
import { manualEnv, watching, type Watching } from '../resolver/kit.ts';

export interface DnsTorture {
  readonly clock: ManualClock;
  readonly dns: DnsServer;
  /** Watches `dns://name:80` or another target, asking the server. */
  readonly watch: (target: string) => Watching;
  /** Lets time pass until `done`: 10 ms at a time, each with a moment for the sockets, which are real. */
  readonly pass: (done: () => boolean, step?: number) => Promise<void>;
}

/** Real sockets and a real server on a manual clock: minutes of DNS in milliseconds. */
export async function dnsTorture(options: DnsServerOptions = {}): Promise<DnsTorture> {
  const { clock, env } = manualEnv();
  const dns = await DnsServer.start(options);
  onTestFinished(() => dns.close());
  return {
    clock,
    dns,
    watch(target) {
      const mark = target.includes('?') ? '&' : '?';
      const watch = watching(createResolver(`${target}${mark}server=${dns.address}`, env));
      onTestFinished(() => watch.stop());
      return watch;
    },
    async pass(done, step = 10) {
      for (let turns = 0; !done(); turns++) {
        if (turns === 5_000) throw new Error(`not within ${turns * step} ms of manual time`);
        await new Promise((resolve) => setTimeout(resolve, 1));
        await clock.advance(step);
      }
    },
  };
}
