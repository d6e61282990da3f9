import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DnsClient, clampTtl } from '../../src/resolver/dns/client.ts';
import type { Fault } from '../../src/resolver/index.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { FakeDns } from './kit.ts';

const servers = (...hosts: string[]): { host: string; port: number }[] => hosts.map((host) => ({ host, port: 53 }));

function client(): { clock: ManualClock; dns: FakeDns; client: DnsClient } {
  const clock = new ManualClock();
  const dns = new FakeDns(clock);
  return { clock, dns, client: new DnsClient(clock, dns.ask) };
}

describe('the DNS client', () => {
  it('follows an alias by asking on, where the answer leaves its records out', async () => {
    const { dns, client: dnsClient } = client();
    dns.alias('a.test', 'A', 'b.test', 60);
    dns.alias('b.test', 'A', 'c.test', 7);
    dns.set('c.test', 'A', ['10.0.0.1'], 60);
    const { records, ttl } = await dnsClient.lookup('a.test', 'A', servers('10.0.0.53'));
    expect(records.map(({ data }) => data)).toEqual(['10.0.0.1']);
    expect(ttl).toBe(7_000);
    expect(dns.asked.map(({ name }) => name)).toEqual(['a.test', 'b.test', 'c.test']);
  });

  it('gives up on an alias that leads back to itself, and on one too long', async () => {
    const { dns, client: dnsClient } = client();
    dns.alias('a.test', 'A', 'b.test');
    dns.alias('b.test', 'A', 'a.test');
    await expect(dnsClient.lookup('a.test', 'A', servers('10.0.0.53'))).rejects.toMatchObject({ kind: 'CNAME_LOOP' });
    for (let step = 0; step < 20; step++) dns.alias(`n${step}.test`, 'A', `n${step + 1}.test`);
    await expect(dnsClient.lookup('n0.test', 'A', servers('10.0.0.53'))).rejects.toMatchObject({ kind: 'CNAME_LOOP' });
    expect(dns.asked.length).toBeLessThan(15);
  });

  it('passes over records of names that were not asked for', async () => {
    const { dns, client: dnsClient } = client();
    const foreign = { name: 'bank.test', ttl: 5, type: 'A', data: '6.6.6.6' } as const;
    dns.set('a.test', 'A', [], 30);
    const answering = new DnsClient(new ManualClock(), async (question, server, timeout) => ({
      ...(await dns.ask(question, server, timeout)),
      answers: [foreign],
    }));
    await expect(answering.lookup('a.test', 'A', servers('10.0.0.53'))).rejects.toMatchObject({ kind: 'NODATA' });
    await expect(dnsClient.lookup('a.test', 'A', servers('10.0.0.53'))).rejects.toMatchObject({ kind: 'NODATA' });
  });

  it('asks a silent server twice, for 2 s each', async () => {
    const { clock, dns, client: dnsClient } = client();
    dns.fail('a.test', 'A', 'never');
    const failed = dnsClient.lookup('a.test', 'A', servers('10.0.0.53')).catch((error: unknown) => error);
    await clock.advance(4_000);
    expect(await failed).toMatchObject({ kind: 'TIMEOUT' });
    expect(dns.asked.map(({ at }) => at - 1_000)).toEqual([0, 2_000]);
  });

  it('asks the next server after silence or a failure, and ends within 5 s', async () => {
    const { clock, dns, client: dnsClient } = client();
    dns.fail('a.test', 'A', 'never');
    const failed = dnsClient
      .lookup('a.test', 'A', servers('1.1.1.1', '2.2.2.2', '3.3.3.3'))
      .catch((error: unknown) => error);
    await clock.advance(5_000);
    expect(await failed).toMatchObject({ kind: 'TIMEOUT' });
    expect(dns.asked.map(({ server }) => server)).toEqual(['1.1.1.1', '2.2.2.2', '3.3.3.3']);
    expect((await failed) as Fault).toHaveProperty('message', expect.stringContaining('2.2.2.2:53'));
  });

  it('does not ask another server once one says that there is no such name', async () => {
    const { dns, client: dnsClient } = client();
    await expect(dnsClient.lookup('a.test', 'A', servers('1.1.1.1', '2.2.2.2'))).rejects.toMatchObject({
      kind: 'NXDOMAIN',
    });
    expect(dns.asked).toHaveLength(1);
  });

  it('does not ask a lone server twice that answered with a failure', async () => {
    const { dns, client: dnsClient } = client();
    dns.fail('a.test', 'A', 'SERVFAIL');
    await expect(dnsClient.lookup('a.test', 'A', servers('1.1.1.1'))).rejects.toMatchObject({ kind: 'SERVFAIL' });
    expect(dns.asked).toHaveLength(1);
  });

  it('clamps every TTL to 1 s to 5 min', () => {
    expect([0, 1, 60, 300, 86_400, 2 ** 31, 2 ** 32 - 1].map(clampTtl)).toEqual([
      1_000, 1_000, 60_000, 300_000, 300_000, 300_000, 300_000,
    ]);
  });

  it('never asks for one name more than once a second, whoever asks how often', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ wait: fc.nat(1_500), force: fc.boolean() }), { maxLength: 40 }),
        fc.constantFrom(0, 1, 2, 30),
        fc.boolean(),
        async (steps, ttl, failing) => {
          const { clock, dns, client: dnsClient } = client();
          if (failing) dns.fail('a.test', 'A', 'SERVFAIL');
          else dns.set('a.test', 'A', ['10.0.0.1'], ttl);
          for (const { wait, force } of steps) {
            void dnsClient.lookup('a.test', 'A', servers('10.0.0.53'), force).catch(() => {});
            await clock.advance(wait);
          }
          for (const [index, { at }] of dns.asked.slice(1).entries()) {
            expect(at - dns.asked[index]!.at).toBeGreaterThanOrEqual(1_000);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
