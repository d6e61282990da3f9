import { afterEach, describe, expect, it } from 'vitest';
import { context, createMesh, isMeshError, type Mesh, meshErrorOf } from '../../src/index.ts';
import { ManualResolver } from '../../src/testing/index.ts';
import { always, delay, Faultd } from '../kit/faultd.ts';

const open: { close(): Promise<void> }[] = [];
const later = <T extends { close(): Promise<void> }>(closable: T): T => {
  open.push(closable);
  return closable;
};

afterEach(async () => {
  for (const closable of open.splice(0).toReversed()) await closable.close();
});

const named = async (name: string): Promise<Faultd> =>
  later(await Faultd.start(always((peer) => void peer.respond(200, name))));
const ask = async (mesh: Mesh, url = 'http://orders/'): Promise<string> => (await mesh.fetch(url)).text();

describe('ready', () => {
  it('waits until every service has resolved once', async () => {
    const resolver = new ManualResolver();
    const mesh = later(createMesh({ services: { orders: { target: resolver } } }));
    const ready = mesh.ready();
    resolver.set(['127.0.0.1:1']);
    await ready;
    expect(
      mesh
        .service('orders')
        .endpoints()
        .map(({ address }) => address),
    ).toEqual(['127.0.0.1:1']);
  });

  it('names the services that did not, with why', async () => {
    const failing = new ManualResolver();
    const mesh = later(createMesh({ services: { orders: { target: failing }, users: 'static://127.0.0.1:1' } }));
    const ready = mesh.ready({ timeout: 50 });
    failing.fail(new Error('the registry is down'));
    const error = meshErrorOf(await ready.catch((reason: unknown) => reason));
    expect(error?.code).toBe('INMESH_RESOLVE_FAILED');
    expect(error?.message).toMatch(/1 of 2 services/);
    expect(error?.message).toContain('the registry is down');
    expect(error?.message).not.toContain('users');
  });
});

describe('discovery', () => {
  it('a first request waits for the first snapshot', async () => {
    const server = await named('here');
    const resolver = new ManualResolver();
    const mesh = later(createMesh({ services: { orders: { target: resolver } } }));
    const answer = ask(mesh);
    await delay(20);
    resolver.set([server.address]);
    expect(await answer).toBe('here');
  });

  it('an endpoint that leaves finishes what it has begun, and what returns is the same endpoint', async () => {
    const slow = later(
      await Faultd.start(
        always(async (peer) => {
          await delay(80);
          peer.respond(200, 'slow');
        }),
      ),
    );
    const other = await named('other');
    const resolver = new ManualResolver();
    resolver.set([slow.address]);
    const mesh = later(createMesh({ services: { orders: { target: resolver } } }));
    const begun = ask(mesh);
    await delay(30);
    resolver.set([other.address]);
    await delay(5);
    expect(await ask(mesh)).toBe('other');
    resolver.set([slow.address]);
    await delay(5);
    expect(mesh.service('orders').endpoints()[0]).toMatchObject({
      address: slow.address,
      inFlight: 1,
      state: 'healthy',
    });
    expect(await begun).toBe('slow');
    expect(await ask(mesh)).toBe('slow');
  });

  it('says that there are no endpoints, and whose word that is', async () => {
    const resolver = new ManualResolver();
    resolver.empty();
    const mesh = later(createMesh({ services: { orders: { target: resolver } } }));
    const error = meshErrorOf(await ask(mesh).catch((reason: unknown) => reason));
    expect(error?.code).toBe('INMESH_NO_ENDPOINT');
    expect(error?.message).toContain('empty');
  });

  it('endpoints of a higher priority number wait until those before them are ejected', async () => {
    const broken = later(await Faultd.start(always((peer) => void peer.respond(503, 'no'))));
    const backup = await named('backup');
    const resolver = new ManualResolver();
    resolver.set([
      { address: broken.address, priority: 0 },
      { address: backup.address, priority: 1 },
    ]);
    const mesh = later(createMesh({ services: { orders: { target: resolver, retry: false, breaker: false } } }));
    expect((await mesh.fetch('http://orders/')).status).toBe(503);
    for (let call = 0; call < 4; call++) await ask(mesh);
    expect(await ask(mesh)).toBe('backup');
    expect(mesh.service('orders').endpoints()[0]).toMatchObject({ state: 'ejected' });
    expect(
      mesh
        .service('orders')
        .explain()
        .excluded.map(({ address }) => address),
    ).toContain(broken.address);
  });
});

it('says everything that is hardly meant, in one warning', async () => {
  const said: string[] = [];
  const warn = (_details: object, message: string): void => void said.push(message);
  const log = { debug() {}, info() {}, warn, error() {} };
  const service = { target: 'static://127.0.0.1:1', deadline: 1_000, attemptTimeout: 2_000, connectTimeout: 3_000 };
  later(createMesh({ services: { orders: service }, log }));
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/orders\.attemptTimeout[^]*orders\.connectTimeout/);
});

describe('update', () => {
  it('moves a service to another target and keeps what stays', async () => {
    const [first, second] = [await named('first'), await named('second')];
    const mesh = later(createMesh({ services: { orders: `static://${first.address}` } }));
    expect(await ask(mesh)).toBe('first');
    await mesh.update({ services: { orders: `static://${second.address}`, users: `static://${first.address}` } });
    await mesh.ready();
    await delay(5);
    expect(await ask(mesh)).toBe('second');
    expect(await ask(mesh, 'http://users/')).toBe('first');
  });

  it('takes over another resolver, though it looks like the one before', async () => {
    const [first, second] = [await named('first'), await named('second')];
    const resolvers = [new ManualResolver([first.address]), new ManualResolver([second.address])] as const;
    const mesh = later(createMesh({ services: { orders: { target: resolvers[0] } } }));
    expect(await ask(mesh)).toBe('first');
    await mesh.update({ services: { orders: { target: resolvers[1] } } });
    await delay(5);
    expect(await ask(mesh)).toBe('second');
    expect(resolvers[0].watchers).toBe(0);
  });

  it('takes a service out', async () => {
    const server = await named('here');
    const mesh = later(
      createMesh({ services: { orders: `static://${server.address}`, users: `static://${server.address}` } }),
    );
    await ask(mesh);
    await mesh.update({ services: { users: `static://${server.address}` } });
    await expect(ask(mesh)).rejects.toSatisfy((error) => isMeshError(error, 'INMESH_UNKNOWN_SERVICE'));
  });

  it('rejects wrong options whole: the old ones stay in force', async () => {
    const server = await named('here');
    const mesh = later(createMesh({ services: { orders: `static://${server.address}` } }));
    await expect(
      mesh.update({ services: { orders: 'nonsense', users: 'static://127.0.0.1:1' } }),
    ).rejects.toMatchObject({ code: 'INMESH_CONFIG' });
    expect(await ask(mesh)).toBe('here');
    expect(Object.keys(mesh.snapshot().services)).toEqual(['orders']);
  });

  it('keeps connections, health and windows of what did not change', async () => {
    const server = await named('here');
    const mesh = later(createMesh({ services: { orders: `static://${server.address}` } }));
    await ask(mesh);
    await delay(5);
    await mesh.update({ services: { orders: { target: `static://${server.address}`, deadline: '9s' } } });
    await ask(mesh);
    expect(server.connections).toBe(1);
    expect(mesh.snapshot().services['orders']).toMatchObject({ retryBudget: { answered: 2 } });
  });
});

it('services that share an endpoint leave each other’s connections alone', async () => {
  const server = await named('shared');
  const target = `static://${server.address}`;
  const mesh = later(createMesh({ services: { orders: target, users: target } }));
  for (let i = 0; i < 10; i++) {
    await ask(mesh);
    await ask(mesh, 'http://users/');
  }
  expect(server.connections).toBe(2);
});

it('an endpoint that fails at once gets no herd while the first answers of the others are awaited', async () => {
  const failing = later(await Faultd.start(always((peer) => void peer.respond(500, 'no'))));
  const good = later(
    await Faultd.start(
      always(async (peer) => {
        await delay(60);
        peer.respond(200, 'yes');
      }),
    ),
  );
  const mesh = later(createMesh({ services: { orders: `static://${failing.address},${good.address}` } }));
  const caller = async (): Promise<void> => {
    for (let call = 0; call < 6; call++) await ask(mesh);
  };
  await Promise.all(Array.from({ length: 16 }, caller));
  expect(mesh.service('orders').snapshot().breaker).toMatchObject({ state: 'closed' });
  expect(failing.requests).toBeLessThan(20);
});

it('an endpoint at its limit is passed over for one that is not', async () => {
  const slow = later(
    await Faultd.start(
      always(async (peer) => {
        await delay(80);
        peer.respond(200, 'slow');
      }),
    ),
  );
  const fast = await named('fast');
  const target = `static://${slow.address},${fast.address}`;
  const mesh = later(createMesh({ services: { orders: { target, limits: { perEndpoint: 4 } } } }));
  for (let call = 0; call < 10; call++) await ask(mesh);
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask(mesh)));
  expect(answers.filter((answer) => answer === 'slow')).toHaveLength(4);
  await delay(5);
  expect(
    mesh
      .service('orders')
      .endpoints()
      .map(({ inFlight }) => inFlight),
  ).toEqual([0, 0]);
});

it('new options say whether trace context travels', async () => {
  const heads: string[] = [];
  const server = later(
    await Faultd.start(
      always((peer, { head }) => {
        heads.push(head);
        peer.respond();
      }),
    ),
  );
  const services = { orders: `static://${server.address}` };
  const mesh = later(createMesh({ services }));
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const traced = (): Promise<string> => context.run({ headers: { traceparent } }, () => ask(mesh));
  await traced();
  await mesh.update({ services, propagation: 'off' });
  await traced();
  expect(heads.map((head) => head.includes(traceparent))).toEqual([true, false]);
});

it('durations that are none are refused by name', async () => {
  const mesh = later(createMesh({ services: {} }));
  await expect(mesh.ready({ timeout: 'junk' as '1s' })).rejects.toMatchObject({ code: 'INMESH_REQUEST_INVALID' });
  await expect(mesh.close({ drain: 'junk' as '1s' })).rejects.toThrow(/close: drain is junk/);
});

describe('close', () => {
  it('takes nothing more: neither options nor questions', async () => {
    const resolver = new ManualResolver(['127.0.0.1:1']);
    const mesh = createMesh({ services: { orders: { target: resolver } } });
    await mesh.close();
    await expect(mesh.ready()).rejects.toMatchObject({ code: 'INMESH_CLOSED' });
    await expect(mesh.update({ services: {} })).rejects.toMatchObject({ code: 'INMESH_CLOSED' });
    expect(resolver.watchers).toBe(0);
  });

  it('says of a call that it cut that it may have been received, and cuts what was upgraded as well', async () => {
    const server = later(
      await Faultd.start(async (peer) => {
        const request = await peer.request();
        if (request?.path === '/up') peer.write('HTTP/1.1 101 Up\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
      }),
    );
    const mesh = createMesh({ services: { orders: `static://${server.address}` } });
    const up = await mesh.upgrade({ origin: 'http://orders', path: '/up', protocol: 'echo' } as Parameters<
      Mesh['upgrade']
    >[0]);
    up.socket.on('error', () => {});
    const begun = mesh.fetch('http://orders/', { method: 'POST', body: 'once' }).catch((error: unknown) => error);
    await delay(30);
    await mesh.close({ drain: 20 });
    expect(meshErrorOf(await begun)).toMatchObject({ code: 'INMESH_CLOSED', sent: true });
    expect(up.socket.destroyed).toBe(true);
  });

  it('ends what waits for it to be ready', async () => {
    const mesh = createMesh({ services: { orders: { target: new ManualResolver() } } });
    const ready = mesh.ready({ timeout: '1h' }).catch((error: unknown) => error);
    await delay(1);
    await mesh.close();
    expect(isMeshError(await ready, 'INMESH_RESOLVE_FAILED')).toBe(true);
    expect(mesh._env.timers.size).toBe(0);
  });

  it('lets what is in flight finish, refuses what is new, and leaves nothing behind', async () => {
    const slow = later(
      await Faultd.start(
        always(async (peer) => {
          await delay(60);
          peer.respond(200, 'done');
        }),
      ),
    );
    const mesh = createMesh({ services: { orders: `static://${slow.address}` } });
    const begun = ask(mesh);
    await delay(20);
    const closed = mesh.close();
    await expect(ask(mesh)).rejects.toSatisfy((error) => isMeshError(error, 'INMESH_CLOSED'));
    expect(await begun).toBe('done');
    await closed;
    await delay(10);
    expect(slow.open).toBe(0);
  });

  it('aborts what outlasts the drain', async () => {
    const hanging = later(await Faultd.start(always(() => {})));
    const mesh = createMesh({ services: { orders: `static://${hanging.address}` } });
    const begun = ask(mesh).catch((error: unknown) => error);
    await delay(20);
    await mesh.close({ drain: 30 });
    expect(isMeshError(await begun, 'INMESH_CLOSED')).toBe(true);
  });

  it('destroy cuts at once', async () => {
    const hanging = later(await Faultd.start(always(() => {})));
    const mesh = createMesh({ services: { orders: `static://${hanging.address}` } });
    const begun = ask(mesh).catch((error: unknown) => error);
    await delay(20);
    await mesh.destroy();
    expect(isMeshError(await begun, 'INMESH_CLOSED')).toBe(true);
  });
});

describe('the stack', () => {
  it('says its order and why, and takes layers of one’s own', async () => {
    const server = await named('here');
    const mesh = later(createMesh({ services: { orders: `static://${server.address}` } }));
    const roles = mesh.stack.describe().map(({ role }) => role);
    expect(roles.indexOf('deadline')).toBeLessThan(roles.indexOf('retry'));
    expect(roles.indexOf('retry')).toBeLessThan(roles.indexOf('balance'));
    const seen: (string | undefined)[] = [];
    await ask(mesh);
    mesh.stack.insertAfter('balance', function spy(next) {
      return (call) => {
        seen.push(call.endpoint?.address);
        return next(call);
      };
    });
    expect(mesh.stack.describe().map(({ role }) => role)).toContain('spy');
    await ask(mesh);
    expect(seen).toEqual([server.address]);
    mesh.stack.remove('spy');
    await ask(mesh);
    expect(seen).toHaveLength(1);
    expect(() => mesh.stack.insertBefore('nothing', (next) => next)).toThrow(/no role "nothing"/);
  });
});
