import { describe, expect, it } from 'vitest';
import { dnsResolver } from '../../src/resolver/dns/dns.ts';
import { DnsClient } from '../../src/resolver/dns/client.ts';
import { systemOf } from '../../src/resolver/dns/system.ts';
import { parseDnsTarget, type DnsTarget } from '../../src/resolver/dns/target.ts';
import { kindOf, manualEnv, watching } from '../resolver/kit.ts';
import { dnsTorture } from './dns.ts';

describe('28 aliases without end and addresses out of reach', () => {
  it.each([true, false])(
    'cname-loop: an error in time, whether the server follows aliases (%s) or not',
    async (generous) => {
      const { clock, watch, pass } = await dnsTorture({
        generous,
        zone: { 'a.test': { CNAME: ['b.test'] }, 'b.test': { CNAME: ['c.test'] }, 'c.test': { CNAME: ['a.test'] } },
      });
      const start = clock.now();
      const loop = watch('dns://a.test:80');
      await pass(() => loop.last !== undefined);
      expect(clock.now() - start).toBeLessThan(5_000);
      expect(loop.last?.state).toBe('error');
      expect(kindOf(loop.last)).toBe('CNAME_LOOP');
      expect(loop.last?.error?.message).toContain('a.test → b.test → c.test');
    },
  );

  it('a chain of aliases is followed, whether the server follows it or not', async () => {
    for (const generous of [true, false]) {
      const { watch, pass } = await dnsTorture({
        generous,
        zone: { 'a.test': { CNAME: ['b.test'] }, 'b.test': { CNAME: ['c.test'] }, 'c.test': { A: ['10.0.0.1'] } },
      });
      const chain = watch('dns://a.test:80?family=4');
      await pass(() => chain.last !== undefined);
      expect(chain.addresses).toEqual(['10.0.0.1:80']);
    }
  });

  it('mixed AAAA unreachable: IPv6 is only in reserve behind IPv4, and no endpoint at all on a host without IPv6', async () => {
    const { dns, pass } = await dnsTorture({ zone: { 'a.test': { A: ['10.0.0.1'], AAAA: ['100::1'] } } });
    const target = `dns://a.test:80?server=${dns.address}`;
    const watchOn = (v6: boolean): ReturnType<typeof watching> => {
      const { clock, env } = manualEnv();
      const context = {
        env,
        client: new DnsClient(clock),
        system: { ...systemOf(clock), families: () => ({ v4: true, v6 }) },
      };
      return watching(dnsResolver(target, parseDnsTarget(target) as DnsTarget, context));
    };
    const [with6, without6] = [watchOn(true), watchOn(false)];
    await pass(() => with6.last !== undefined && without6.last !== undefined);
    expect(with6.last?.endpoints).toEqual([{ address: '10.0.0.1:80' }, { address: '[100::1]:80', priority: 1 }]);
    expect(without6.last?.endpoints).toEqual([{ address: '10.0.0.1:80' }]);
    with6.stop();
    without6.stop();
  });
});
