import type { Http2Session, ServerHttp2Stream } from 'node:http2';
import { expect, it } from 'vitest';
import { delay } from '../kit/faultd.ts';
import { Http2d } from '../kit/h2d.ts';
import { send, torture } from './kit.ts';

const answer = (stream: ServerHttp2Stream): void => {
  if (stream.destroyed) return;
  stream.respond({ ':status': 200 });
  stream.end('ok');
};

const endings: [name: string, end: (session: Http2Session) => void][] = [
  ['graceful', (session) => session.close()],
  ['abrupt', (session) => session.destroy()],
  [
    'announced and abrupt',
    (session) => {
      session.goaway(0, 0);
      session.destroy();
    },
  ],
];

it.each(endings)(
  '14 h2-goaway: servers that leave in a way that is %s cost no idempotent call at 200 a second',
  async (_name, end) => {
    const slowly = (stream: ServerHttp2Stream): void => void setTimeout(() => answer(stream), 1 + (stream.id! % 11));
    const servers = await Promise.all([Http2d.start(slowly), Http2d.start(slowly)]);
    const addresses = servers.map(({ address }) => address);
    const { mesh, watch } = torture(addresses, { protocol: 'h2c' });
    let turns = 0;
    const leaving = setInterval(() => servers[turns++ % 2]!.open.forEach(end), 50);
    const calls: Promise<void>[] = [];
    for (let call = 0; call < 240; call++) {
      calls.push(watch.call(async () => expect(await send(mesh)).toMatchObject({ status: 200, text: 'ok' })));
      await delay(5);
    }
    await Promise.all(calls);
    clearInterval(leaving);
    expect(servers[0].sessions + servers[1].sessions).toBeGreaterThan(10);
    await watch.check({ healthy: addresses, sent: servers[0].streams + servers[1].streams });
  },
);

it('14 h2-goaway: streams up to the last id finish where they are, all others are sent again, whatever their method', async () => {
  const effects = new Map<string, number>();
  const served = new Map<string, number>();
  let leaving: Http2Session | undefined;
  const server = await Http2d.start((stream, headers, session) => {
    const path = headers[':path']!;
    leaving ??= session;
    if (session === leaving && stream.id! > 1) {
      // Not looked at: its id is above the last one.
      if (stream.id === 5) session.goaway(0, 1);
      return;
    }
    effects.set(path, (effects.get(path) ?? 0) + 1);
    served.set(path, server.sessions);
    setTimeout(() => answer(stream), session === leaving ? 100 : 0);
  });
  const { mesh, watch } = torture([server.address], { protocol: 'h2c', limits: { perEndpoint: 100 } });
  const order = (path: string): Promise<{ status: number }> =>
    watch.call(() => send(mesh, { method: 'POST', path, body: path }));
  const first = order('/1');
  while (server.streams === 0) await delay(1);
  const answers = await Promise.all([first, order('/2'), order('/3')]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(served.get('/1')).toBe(1);
  expect([served.get('/2'), served.get('/3')]).toEqual([2, 2]);
  await watch.check({ healthy: [server.address], effects: effects.values() });
});
