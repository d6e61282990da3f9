import { describe, expect, it } from 'vitest';
import { candidates, parseHosts, parseResolvConf } from '../../src/resolver/dns/system.ts';
import { fakeWorld, kindOf, watching } from './kit.ts';

describe('names as the host reads them', () => {
  it('takes literals as they are', async () => {
    const { clock, dns, resolve } = fakeWorld();
    const four = watching(resolve('dns://10.1.2.3:80'));
    const six = watching(resolve('dns://[fd00::7]:80'));
    await clock.advance(0);
    expect([four.addresses, six.addresses]).toEqual([['10.1.2.3:80'], ['[fd00::7]:80']]);
    expect(dns.asked).toEqual([]);
  });

  it('believes the hosts file before any server, and sees it change', async () => {
    let file = ['10.0.0.9'];
    const { clock, dns, resolve } = fakeWorld({ hosts: (name) => Promise.resolve(name === 'db' ? file : []) });
    const watch = watching(resolve('dns://DB:80'));
    await clock.advance(0);
    expect(watch.addresses).toEqual(['10.0.0.9:80']);
    file = ['10.0.0.8'];
    await clock.advance(30_000);
    expect(watch.addresses).toEqual(['10.0.0.8:80']);
    expect(dns.asked).toEqual([]);
  });

  it('asks servers of one’s own instead of the hosts file and the search list', async () => {
    const { clock, dns, resolve } = fakeWorld({
      hosts: () => Promise.resolve(['10.0.0.9']),
      search: () => Promise.resolve({ domains: ['corp.test'], ndots: 5 }),
    });
    dns.set('db', 'A', ['10.0.0.1']);
    const watch = watching(resolve('dns://db:80?server=10.9.9.9:5353&family=4'));
    await clock.advance(0);
    expect(watch.addresses).toEqual(['10.0.0.1:80']);
    expect(dns.asked.map(({ name, server }) => [name, server])).toEqual([['db', '10.9.9.9']]);
  });

  it('knows localhost though nothing tells of it, and asks no server for it', async () => {
    const { clock, dns, resolve } = fakeWorld();
    const watch = watching(resolve('dns://localhost:80?server=10.9.9.9'));
    await clock.advance(0);
    expect(watch.addresses).toEqual(['127.0.0.1:80']);
    expect(dns.asked).toEqual([]);
  });

  it('searches a short name in the domains, and asks first the one that answered from then on', async () => {
    const { clock, dns, resolve } = fakeWorld({
      search: () => Promise.resolve({ domains: ['shop.svc.test', 'svc.test'], ndots: 5 }),
    });
    dns.set('orders.svc.test', 'A', ['10.0.0.1'], 10);
    const watch = watching(resolve('dns://orders:80?family=4'));
    await clock.advance(0);
    expect(watch.addresses).toEqual(['10.0.0.1:80']);
    await clock.advance(10_000);
    expect(dns.asked.map(({ name }) => name)).toEqual(['orders.shop.svc.test', 'orders.svc.test', 'orders.svc.test']);
  });

  it('does not let a failing server give another name the word', async () => {
    const { clock, dns, resolve } = fakeWorld({
      search: () => Promise.resolve({ domains: ['a.test', 'b.test'], ndots: 1 }),
    });
    dns.fail('orders.a.test', 'A', 'SERVFAIL');
    dns.set('orders.b.test', 'A', ['10.6.6.6']);
    const watch = watching(resolve('dns://orders:80?family=4'));
    await clock.advance(0);
    expect(watch.last?.state).toBe('error');
    expect(kindOf(watch.last)).toBe('SERVFAIL');
  });

  it('names every name it tried when there is none of them', async () => {
    const { clock, resolve } = fakeWorld({ search: () => Promise.resolve({ domains: ['a.test'], ndots: 1 }) });
    const watch = watching(resolve('dns://orders:80?family=4'));
    await clock.advance(0);
    expect(watch.last?.error?.message).toContain('orders.a.test (A)');
    expect(watch.last?.error?.message).toContain('orders (A)');
  });

  it('orders candidates as resolv.conf(5) does', () => {
    const search = { domains: ['a.test', 'b.test'], ndots: 2 };
    expect(candidates('db', search)).toEqual(['db.a.test', 'db.b.test', 'db']);
    expect(candidates('db.x', search)).toEqual(['db.x.a.test', 'db.x.b.test', 'db.x']);
    expect(candidates('db.x.y', search)).toEqual(['db.x.y', 'db.x.y.a.test', 'db.x.y.b.test']);
    expect(candidates('db.', search)).toEqual(['db']);
  });

  it('reads resolv.conf', () => {
    const text =
      '# made by hand\nnameserver 10.0.0.53\ndomain old.test\nsearch a.test B.test.\noptions timeout:1 ndots:5\n';
    expect(parseResolvConf(text)).toEqual({ domains: ['a.test', 'b.test'], ndots: 5 });
    expect(parseResolvConf('')).toEqual({ domains: [], ndots: 1 });
    expect(parseResolvConf('options ndots:99').ndots).toBe(15);
  });

  it('reads hosts files', () => {
    const text = '127.0.0.1 localhost me # loop\n::1\tlocalhost\n10.0.0.1 Other\n127.0.0.1 localhost\nnonsense line\n';
    expect(parseHosts(text, 'localhost')).toEqual(['127.0.0.1', '::1']);
    expect(parseHosts(text, 'other')).toEqual(['10.0.0.1']);
    expect(parseHosts(text, 'loop')).toEqual([]);
  });
});
