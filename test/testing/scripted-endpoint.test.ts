import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ScriptedEndpoint } from '../../src/testing/index.ts';

let endpoint: ScriptedEndpoint;

beforeEach(async () => {
  endpoint = await ScriptedEndpoint.start();
});

afterEach(() => endpoint.close());

function call(init?: RequestInit): Promise<Response> {
  return fetch(`http://${endpoint.address}/orders?id=1`, init);
}

async function causeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return ((error as Error | undefined)?.cause as { code?: string } | undefined)?.code ?? 'none';
}

describe('ScriptedEndpoint', () => {
  it('answers an empty 200 at first, then what it is told', async () => {
    const first = await call();
    expect([first.status, await first.text()]).toEqual([200, '']);
    endpoint.respond(418, 'teapot', { 'x-kind': 'pot' });
    const second = await call();
    expect([second.status, await second.text(), second.headers.get('x-kind')]).toEqual([418, 'teapot', 'pot']);
  });

  it('records what came', async () => {
    await call({ method: 'POST', body: 'two tons', headers: { 'x-who': 'me' } });
    expect(endpoint.requests).toHaveLength(1);
    expect(endpoint.requests[0]).toMatchObject({ method: 'POST', path: '/orders?id=1', headers: { 'x-who': 'me' } });
    expect(String(endpoint.requests[0]!.body)).toBe('two tons');
  });

  it('meets the next requests with what is queued, one each, then does as before', async () => {
    endpoint.respond(200).next({ status: 503 }, 'reset', { status: 201, body: 'made' });
    expect((await call()).status).toBe(503);
    expect(await causeOf(call({ method: 'POST', body: 'x' }))).toBe('ECONNRESET');
    expect(await (await call()).text()).toBe('made');
    expect((await call()).status).toBe(200);
  });

  it('hangs until the caller gives up', async () => {
    endpoint.hang();
    const abort = new AbortController();
    const pending = call({ signal: abort.signal });
    while (endpoint.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    abort.abort(new Error('enough'));
    await expect(pending).rejects.toThrow('enough');
  });

  it('resets every connection when told to', async () => {
    endpoint.reset();
    expect(await causeOf(call({ method: 'POST', body: 'x' }))).toBe('ECONNRESET');
  });

  it('answers later when told to, and an answer may name its own delay', async () => {
    endpoint.delay(60_000).next({ delay: 20 });
    const begun = performance.now();
    await call();
    expect(performance.now() - begun).toBeGreaterThan(18);
    const pending = causeOf(call({ method: 'POST', body: 'x' }));
    while (endpoint.requests.length === 1) await new Promise((resolve) => setImmediate(resolve));
    await endpoint.close();
    expect(await pending).not.toBe('none');
  });

  it('refuses connections once closed, and starts again on the same port', async () => {
    await endpoint.close();
    await endpoint.close();
    expect(await causeOf(call())).toBe('ECONNREFUSED');
    endpoint = await ScriptedEndpoint.start(endpoint.port);
    expect((await call()).status).toBe(200);
  });
});
