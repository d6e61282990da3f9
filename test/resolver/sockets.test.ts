import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { encode } from 'dns-packet';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import type { Question } from '../../src/resolver/dns/message.ts';
import { socketAsk } from '../../src/resolver/dns/sockets.ts';
import { parseServer, type Server } from '../../src/resolver/dns/target.ts';
import { DnsServer, type DnsServerOptions } from '../../src/testing/dns-server.ts';

const question: Question = { name: 'orders.test', type: 'A' };
const ask = socketAsk(systemClock);
const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of cleanup.splice(0)) await close();
});

async function serve(options: DnsServerOptions): Promise<{ dns: DnsServer; server: Server }> {
  const dns = await DnsServer.start(options);
  cleanup.push(() => dns.close());
  return { dns, server: parseServer(dns.address)! };
}

describe('DNS over sockets', () => {
  it('asks over UDP, with another id and port each time', async () => {
    const ports = new Set<number>();
    const ids = new Set<number>();
    const udp = createSocket('udp4');
    udp.bind(0, '127.0.0.1');
    await once(udp, 'listening');
    cleanup.push(() => udp.close());
    udp.on('message', (bytes, from) => {
      ids.add(bytes.readUInt16BE(0));
      ports.add(from.port);
      udp.send(encode({ type: 'response', id: bytes.readUInt16BE(0), questions: [question] }), from.port, from.address);
    });
    for (let times = 0; times < 20; times++)
      await ask(question, { host: '127.0.0.1', port: udp.address().port }, 2_000);
    expect(ids.size).toBeGreaterThan(15);
    expect(ports.size).toBeGreaterThan(15);
  });

  it('reads the records with their TTLs, also of SRV and what comes along', async () => {
    const { server } = await serve({
      zone: {
        'a.test': { A: ['10.0.0.1'], AAAA: ['fd00::1'], ttl: 7 },
        '_http._tcp.orders.test': { SRV: [{ priority: 1, weight: 2, port: 80, target: 'A.test.' }], ttl: 9 },
      },
    });
    const { answers, additionals } = await ask({ name: '_http._tcp.orders.test', type: 'SRV' }, server, 2_000);
    expect(answers).toEqual([
      {
        name: '_http._tcp.orders.test',
        ttl: 9,
        type: 'SRV',
        data: { priority: 1, weight: 2, port: 80, target: 'a.test' },
      },
    ]);
    expect(additionals.map(({ name, type, ttl }) => [name, type, ttl])).toEqual([
      ['a.test', 'A', 7],
      ['a.test', 'AAAA', 7],
    ]);
  });

  it('asks again over TCP where the answer is cut short', async () => {
    const { dns, server } = await serve({ zone: { 'orders.test': { A: ['10.0.0.1'] } } });
    dns.fault('orders.test', 'truncate');
    const { answers } = await ask(question, server, 2_000);
    expect(answers.map(({ data }) => data)).toEqual(['10.0.0.1']);
    expect(dns.queries.map(({ transport }) => transport)).toEqual(['udp', 'tcp']);
  });

  it('waits on when an answer to another question arrives, until the time is up', async () => {
    const { dns, server } = await serve({ zone: { 'orders.test': { A: ['10.0.0.1'] } } });
    for (const fault of ['wrong-id', 'wrong-name'] as const) {
      dns.fault('orders.test', fault);
      await expect(ask(question, server, 100)).rejects.toMatchObject({
        kind: 'TIMEOUT',
        message: 'sends no answer within 100ms (1 that came did not fit the question)',
      });
    }
  });

  it('takes no answer from anyone but the server', async () => {
    const server = createSocket('udp4');
    const forger = createSocket('udp4');
    cleanup.push(
      () => server.close(),
      () => forger.close(),
    );
    for (const socket of [server, forger]) {
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
    }
    const answerOf = (id: number, data: string): Buffer =>
      encode({
        type: 'response',
        id,
        questions: [question],
        answers: [{ name: question.name, type: 'A', ttl: 5, data }],
      });
    server.on('message', (bytes, from) => {
      const id = bytes.readUInt16BE(0);
      // The forger knows id and port, and is first.
      forger.send(answerOf(id, '6.6.6.6'), from.port, from.address, () =>
        server.send(answerOf(id, '10.0.0.1'), from.port, from.address),
      );
    });
    const { answers } = await ask(question, { host: '127.0.0.1', port: server.address().port }, 2_000);
    expect(answers.map(({ data }) => data)).toEqual(['10.0.0.1']);
  });

  it('tells a server that is not there from one that is silent', async () => {
    const { dns, server } = await serve({});
    await dns.close();
    await expect(ask(question, server, 2_000)).rejects.toMatchObject({ kind: 'UNREACHABLE' });
    const { dns: silent, server: at } = await serve({});
    silent.fault('*', 'drop');
    await expect(ask(question, at, 50)).rejects.toMatchObject({ kind: 'TIMEOUT' });
  });

  it('tells of an answer that cannot be read', async () => {
    const { dns, server } = await serve({});
    dns.fault('*', 'malformed');
    await expect(ask(question, server, 2_000)).rejects.toMatchObject({ kind: 'MALFORMED' });
  });

  it('asks a server from before EDNS in the old way', async () => {
    const udp = createSocket('udp4');
    udp.bind(0, '127.0.0.1');
    await once(udp, 'listening');
    cleanup.push(() => udp.close());
    udp.on('message', (bytes, from) => {
      const id = bytes.readUInt16BE(0);
      const extended = bytes.readUInt16BE(10) > 0;
      const answers = [{ name: 'orders.test', type: 'A' as const, ttl: 5, data: '10.0.0.1' }];
      const old = encode({
        type: 'response',
        id,
        flags: extended ? 1 : 0,
        questions: [question],
        answers: extended ? [] : answers,
      });
      udp.send(old, from.port, from.address);
    });
    const { answers } = await ask(question, { host: '127.0.0.1', port: udp.address().port }, 2_000);
    expect(answers).toHaveLength(1);
  });
});
