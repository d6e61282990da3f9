import { inspect } from 'node:util';
import { describe, describeHead, settled } from './observe.ts';
import type { Servers } from './servers.ts';

type Fetch = typeof globalThis.fetch;
type Bytes = ReadableStream<Uint8Array>;

/** One behaviour: what came of it, as plain data, must be the same for both fetches. */
export interface Case {
  readonly name: string;
  readonly run: (fetch: Fetch, servers: Servers) => Promise<unknown>;
}

const all: Case[] = [];
const add = (name: string, run: Case['run']): void => void all.push({ name, run });
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What fetch says to this call, and what the servers saw of it. */
function call(name: string, input: (servers: Servers) => unknown, init?: (servers: Servers) => unknown): void {
  add(name, async (fetch, servers) => {
    const outcome = await settled(async () => {
      const args = init === undefined ? [input(servers)] : [input(servers), init(servers)];
      return describe(await (fetch as (...args: unknown[]) => Promise<Response>)(...args));
    });
    return { outcome, seen: servers.takeSeen() };
  });
}
const post = (name: string, body: () => unknown, more: object = {}): void =>
  call(
    `sends ${name}`,
    ({ here }) => `${here}/echo`,
    () => ({ method: 'POST', body: body(), ...more }),
  );
const withHeaders = (name: string, headers: () => unknown, more: object = {}): void =>
  call(
    `headers: ${name}`,
    ({ here }) => `${here}/echo`,
    () => ({ headers: headers(), ...more }),
  );

// Requests
for (const method of [
  'GET',
  'get',
  'Get',
  'HEAD',
  'POST',
  'put',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'PROPFIND',
  'CONNECT',
  'bad method',
  '',
]) {
  call(
    `method ${JSON.stringify(method)}`,
    ({ here }) => `${here}/echo`,
    () => ({ method }),
  );
}
for (const path of [
  '',
  '/',
  '/a/b?c=d&e=%20',
  '/a/../b/./c',
  '/%2e%2e/x',
  '/a b',
  '/é?ü=ö',
  "/it's?it's",
  '/a#fragment',
  '/a?#b',
  '/a?',
  '/a|b?{}^`',
  '//double',
  '/a\\b',
  '/.hidden',
  '/x%2',
  '/[1]?[2]',
  '/a?b?c',
]) {
  call(`path ${JSON.stringify(path)}`, ({ here }) => here + path);
}
call('URL object', ({ here }) => new URL(`${here}/echo?x=1#y`));
call('object with toString', ({ here }) => ({ toString: () => `${here}/echo` }));
call('Request object', ({ here }) => new Request(`${here}/echo`, { method: 'POST', body: 'x', headers: { a: 'b' } }));
call(
  'Request object with init',
  ({ here }) => new Request(`${here}/echo`, { headers: { a: 'b' } }),
  () => ({ method: 'PUT', body: 'y' }),
);
call(
  'Request as init',
  ({ here }) => `${here}/echo`,
  ({ here }) => new Request(here, { method: 'POST', headers: { a: 'b' } }),
);
call('upper-case host and default port', ({ here }) => here.replace('http', 'HTTP') + '/echo');
for (const bad of [
  '',
  '/relative',
  'http://',
  'http://a:b',
  'http://user:pass@127.0.0.1/',
  'ftp://example/',
  'mailto:x',
  'about:blank',
  'http://127.0.0.1:22/',
  'http://127.0.0.1:6000/',
  'http://exa mple/',
  'blob:nodedata:x',
  'http:example',
]) {
  call(`URL ${JSON.stringify(bad)}`, () => bad);
}
call('no arguments', () => undefined);
call('data: URL', () => 'data:text/plain,hi');
for (const [at, init] of [
  null,
  undefined,
  {},
  1,
  'x',
  () => {},
  new (class {
    method = 'POST';
  })(),
  Object.create({ method: 'PUT' }),
].entries()) {
  call(
    `init of kind ${at}`,
    ({ here }) => `${here}/echo`,
    () => init,
  );
}
for (const [key, values] of Object.entries({
  redirect: ['manual', 'bogus'],
  cache: ['no-store', 'reload', 'no-cache', 'force-cache', 'only-if-cached', 'bogus'],
  credentials: ['include', 'omit', 'bogus'],
  mode: ['cors', 'no-cors', 'same-origin', 'navigate'],
  keepalive: [true, 0],
  duplex: ['half', 'full'],
  integrity: ['', 'sha256-AAAA'],
  referrer: ['', 'http://127.0.0.1/ref'],
  referrerPolicy: ['no-referrer'],
  priority: ['high', 'bogus'],
  window: [null, 1],
  signal: [null, {}, 'x'],
  unknown: ['anything'],
})) {
  for (const value of values)
    call(
      `init ${key}: ${JSON.stringify(value)}`,
      ({ here }) => `${here}/echo`,
      () => ({ [key]: value }),
    );
}

// Bodies sent
post('a string', () => 'héllo 😀');
post('a string with a lone surrogate', () => 'a\ud800b');
post('an empty string', () => '');
post('an empty string with DELETE', () => '', { method: 'DELETE' });
post('a string with PATCH', () => 'x', { method: 'PATCH' });
post('URLSearchParams', () => new URLSearchParams({ a: '1 2', é: '&' }));
post('Uint8Array', () => new Uint8Array([0, 255, 10]));
post('an empty Uint8Array', () => new Uint8Array());
post('a view with an offset', () => new Uint8Array([1, 2, 3, 4, 5]).subarray(1, 3));
post('Uint16Array', () => new Uint16Array([1, 2, 3]).subarray(1));
post('DataView', () => new DataView(new ArrayBuffer(5), 2));
post('ArrayBuffer', () => new Uint8Array([9, 8, 7]).buffer);
post('Buffer', () => Buffer.from('buffer'));
post('a resizable buffer', () => new Uint8Array(new ArrayBuffer(4, { maxByteLength: 8 })));
post('a shared buffer', () => new Uint8Array(new SharedArrayBuffer(4)));
post('Blob', () => new Blob(['blob'], { type: 'text/x' }));
post('File', () => new File(['file'], 'f.txt', { type: 'text/y' }));
post('FormData', () => {
  const form = new FormData();
  form.append('a', 'b\nc');
  form.append('f', new File(['file'], 'f "1".txt'));
  return form;
});
post('a stream, half duplex', () => new Blob(['streamed']).stream(), { duplex: 'half' });
post('a stream without duplex', () => new Blob(['streamed']).stream());
post(
  'an async iterable',
  () =>
    (async function* () {
      yield Buffer.from('one');
      yield Buffer.from('two');
    })(),
  { duplex: 'half' },
);
post('a number', () => 42);
post('an object', () => ({ a: 1 }));
post('null', () => null);
post('undefined', () => undefined);
post('large', () => 'x'.repeat(300_000));
post('its own content-type', () => 'x', { headers: { 'Content-Type': 'application/json' } });
post('its own content-length', () => 'x', { headers: { 'content-length': '1' } });
post('a wrong content-length', () => 'x', { headers: { 'content-length': '5' } });
call(
  'GET with a body',
  ({ here }) => here,
  () => ({ body: 'x' }),
);
call(
  'GET with an empty body',
  ({ here }) => here,
  () => ({ body: '' }),
);
call(
  'HEAD with a body',
  ({ here }) => here,
  () => ({ method: 'HEAD', body: 'x' }),
);
add('bytes changed after the call are sent as they were', async (fetch, { here }) => {
  const bytes = new Uint8Array([1, 2, 3]);
  const answer = fetch(`${here}/echo`, { method: 'POST', body: bytes });
  bytes.fill(9);
  return ((await (await answer).json()) as { body: string }).body;
});

// Headers sent
withHeaders('an object', () => ({ 'X-A': '1', b: '  padded\t', c: '' }));
withHeaders('pairs', () => [
  ['a', '1'],
  ['A', '2'],
  ['b', '3'],
]);
withHeaders(
  'Headers',
  () =>
    new Headers([
      ['a', '1'],
      ['a', '2'],
      ['set-cookie', 'x=1'],
      ['set-cookie', 'y=2'],
    ]),
);
withHeaders('a Map', () => new Map([['a', '1']]));
withHeaders('names that differ in case', () => ({ 'X-A': '1', 'x-a': '2', Cookie: 'a=1', cookie: 'b=2' }));
withHeaders('set-cookie twice in pairs', () => [
  ['set-cookie', 'a=1'],
  ['set-cookie', 'b=2'],
]);
withHeaders('values that are no strings', () => ({ a: 1, b: true, c: null, d: undefined, e: [1, 2], f: { x: 1 } }));
withHeaders('latin1', () => ({ a: 'caf\xe9' }));
withHeaders('beyond latin1', () => ({ a: '€' }));
withHeaders('CRLF in a value', () => ({ a: 'b\r\nc: d' }));
withHeaders('newline around a value', () => ({ a: '\r\n b \n' }));
withHeaders('NUL in a value', () => ({ a: 'b\0c' }));
withHeaders('control in a value', () => ({ a: 'b\x01c' }));
withHeaders('CRLF in a name', () => ({ 'a\r\nb': 'c' }));
withHeaders('an empty name', () => ({ '': 'c' }));
withHeaders('a symbol', () => ({ [Symbol('s')]: 'c' }));
withHeaders('__proto__', () => [['__proto__', 'c']]);
withHeaders('pairs of three', () => [['a', 'b', 'c']]);
withHeaders('a string', () => 'a: b');
withHeaders('null', () => null);
withHeaders('those fetch adds', () => ({
  Accept: 'a/b',
  'Accept-Language': 'de',
  'User-Agent': 'me',
  'Accept-Encoding': 'br',
  'Sec-Fetch-Mode': 'no',
  Host: 'else',
}));
withHeaders('a condition', () => ({ 'If-None-Match': '"1"' }));
withHeaders('a condition with its own cache-control', () => ({
  'If-Modified-Since': 'x',
  'Cache-Control': 'max-age=1',
}));
withHeaders('a range', () => ({ Range: 'bytes=0-1' }));
withHeaders('connection: close', () => ({ connection: 'close' }));
withHeaders('transfer-encoding', () => ({ 'transfer-encoding': 'chunked' }));
withHeaders('expect', () => ({ expect: '100-continue' }));
withHeaders('authorization and cookie', () => ({ authorization: 'Bearer x', cookie: 'a=1' }));

// Redirects
for (const status of [301, 302, 303, 307, 308, 300, 304]) {
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE']) {
    const init = (): object => ({
      method,
      headers: {
        authorization: 'secret',
        cookie: 'a=1',
        'proxy-authorization': 'p',
        'x-kept': '1',
        'content-language': 'de',
      },
      ...(!['GET', 'HEAD'].includes(method) && { body: 'payload' }),
    });
    call(`redirect ${status} ${method} within the origin`, ({ here }) => `${here}/redirect/${status}?to=/echo`, init);
    call(
      `redirect ${status} ${method} to another origin`,
      ({ here, there }) => `${here}/redirect/${status}?to=${there}/echo`,
      init,
    );
  }
  for (const redirect of ['error', 'manual']) {
    call(
      `redirect ${status} with redirect: ${redirect}`,
      ({ here }) => `${here}/redirect/${status}?to=/echo`,
      () => ({ redirect }),
    );
  }
  call(`redirect ${status} without location`, ({ here }) => `${here}/redirect/${status}`);
}
call(
  'redirect of an empty POST',
  ({ here }) => `${here}/redirect/307?to=/echo`,
  () => ({ method: 'POST' }),
);
call(
  'redirect of a PUT with bytes',
  ({ here }) => `${here}/redirect/308?to=/echo`,
  () => ({ method: 'PUT', body: new Uint8Array([1, 2]) }),
);
call(
  'redirect of a stream',
  ({ here }) => `${here}/redirect/307?to=/echo`,
  () => ({ method: 'POST', body: new Blob(['x']).stream(), duplex: 'half' }),
);
call(
  'redirect of a form',
  ({ here }) => `${here}/redirect/302?to=/echo`,
  () => ({ method: 'POST', body: new FormData() }),
);
call('20 redirects', ({ here }) => `${here}/redirect/302?left=19&to=/echo`);
call('redirects without end', ({ here }) => `${here}/redirect/302?left=25`);
call(
  'redirect away and back',
  ({ here, there }) => `${here}/redirect/302?to=${encodeURIComponent(`${there}/redirect/302?to=${here}/echo`)}`,
);
for (const to of [
  'ftp://x/',
  'data:,x',
  'http://',
  'http://u:p@127.0.0.1/',
  '//127.0.0.1:1/',
  '?only=query',
  '#only',
  '../up',
  'a b',
  '',
]) {
  call(`redirect to ${JSON.stringify(to)}`, ({ here }) => `${here}/redirect/302?to=${encodeURIComponent(to)}`);
}
call('redirect to UTF-8', ({ raw }) => `${raw}/utf8-location`);
call('fragment through a redirect', ({ here }) => `${here}/redirect/302?to=/echo#f`);

// Responses
for (const status of [200, 201, 204, 205, 206, 304, 400, 401, 404, 407, 421, 500, 599]) {
  call(`status ${status}`, ({ here }) => `${here}/status/${status}`);
  call(
    `status ${status} of HEAD, encoded`,
    ({ here }) => `${here}/status/${status}?encoding=gzip`,
    () => ({ method: 'HEAD' }),
  );
}
call(
  'status 401 of a POST',
  ({ here }) => `${here}/status/401`,
  () => ({ method: 'POST', body: 'x', credentials: 'include' }),
);
call(
  'status 421 of a POST',
  ({ here }) => `${here}/status/421`,
  () => ({ method: 'POST', body: 'x' }),
);
for (const path of ['999', '600', 'latin1', 'space', 'info', 'half', 'garbage', 'nonsense', 'until-close', 'close']) {
  call(`raw answer ${path}`, ({ raw }) => `${raw}/${path}`);
}
call('connection refused', ({ nobody }) => nobody);
call('unknown host', () => 'http://no-such-host.invalid/');
call('cookies', ({ here }) => `${here}/cookies`);
for (const kind of [
  'gzip',
  'x-gzip',
  'br',
  'deflate',
  'deflate-raw',
  'zstd',
  'chain',
  'chain-deflate',
  'unknown',
  'unknown-chain',
  'identity',
  'corrupt',
  'corrupt-late',
  'corrupt-br',
  'cut',
  'empty',
  'many',
  'large',
]) {
  call(`content-encoding ${kind}`, ({ here }) => `${here}/encoded/${kind}`);
}
const readers: Record<string, (response: Response) => Promise<unknown>> = {
  text: (response) => response.text(),
  json: (response) => response.json(),
  arrayBuffer: async (response) => [...new Uint8Array(await response.arrayBuffer())],
  bytes: async (response) => {
    const bytes = await response.bytes();
    return [bytes.constructor.name, ...bytes];
  },
  blob: async (response) => {
    const blob = await response.blob();
    return [blob.type, blob.size, await blob.text()];
  },
  // oxlint-disable-next-line typescript/no-deprecated -- it must behave as it does
  formData: async (response) => [...(await response.formData())],
  'for await': async (response) => {
    const parts: Buffer[] = [];
    for await (const part of response.body as Bytes) parts.push(Buffer.from(part));
    return Buffer.concat(parts).toString();
  },
  getReader: async (response) => {
    const reader = (response.body as Bytes).getReader();
    const { value } = await reader.read();
    const end = await reader.read();
    return [value?.constructor.name, value?.byteOffset, value?.length, end.done, String(await reader.closed)];
  },
  byob: async (response) => {
    const reader = response.body!.getReader({ mode: 'byob' });
    const { value } = await reader.read(new Uint8Array(4));
    return [...value!];
  },
  pipeThrough: (response) => new Response(response.body!.pipeThrough(new TransformStream())).text(),
  'new Response': (response) => new Response(response.body, response).text(),
  clone: async (response) => {
    const clone = response.clone();
    return [describeHead(clone), await clone.text(), await response.text(), response.bodyUsed];
  },
  'clone of a clone': async (response) => {
    const clone = response.clone().clone();
    return [describeHead(clone), await clone.text(), response.bodyUsed, await response.text()];
  },
  'text twice': async (response) => [await response.text(), await settled(() => response.text())],
  'two at once': (response) => Promise.all([settled(() => response.text()), settled(() => response.json())]),
  'clone after text': async (response) => [await response.text(), await settled(() => response.clone())],
  'text after getReader': async (response) => {
    const reader = (response.body as Bytes).getReader();
    const locked = [
      response.bodyUsed,
      response.body!.locked,
      await settled(() => response.text()),
      await settled(() => response.clone()),
    ];
    reader.releaseLock();
    return [locked, await response.text()];
  },
  'body after text': async (response) => {
    const text = response.text();
    const locked = response.body!.locked;
    return [
      locked,
      await text,
      response.body!.locked,
      response.bodyUsed,
      await settled(() => (response.body as Bytes).getReader()),
    ];
  },
  cancel: async (response) => [
    await response.body!.cancel('enough'),
    response.bodyUsed,
    await settled(() => response.text()),
  ],
  'same body each time': async (response) => [response.body === response.body, response.headers === response.headers],
  'native methods on it': async (response) => [await Response.prototype.text.call(response), response.bodyUsed],
  'native clone of its head': async (response) => [...new Headers(response.headers)].length > 0,
  'immutable headers': async ({ headers }) => [
    await settled(() => headers.set('a', 'b')),
    await settled(() => headers.append('a', 'b')),
    await settled(() => headers.delete('content-type')),
    await settled(() => headers.set('a b', 'c')),
    await settled(() => (headers.set as () => void)()),
    headers.get('Content-Type'),
    headers.has('nope'),
  ],
  inspect: async (response) => inspect(response).replace(/^ *(date|'keep-alive'): .*\n/gm, ''),
  'structured clone': (response) => settled(() => structuredClone(response)),
  'a patched json()': async (response) => {
    const { json } = Response.prototype;
    try {
      Object.assign(Response.prototype, { json: () => Promise.resolve('patched') });
      return await response.json();
    } finally {
      Object.assign(Response.prototype, { json });
    }
  },
  members: async (response) => {
    const names = [];
    for (const name in response) names.push(name);
    return names.toSorted();
  },
};
for (const [reader, read] of Object.entries(readers)) {
  for (const [kind, query] of Object.entries({
    json: 'type=application/json&body={"a":[1,2]}',
    utf8: 'type=text/plain&body=%EF%BB%BFgr%C3%BC%C3%9Fe',
    empty: 'type=text/plain',
    form: 'type=application/x-www-form-urlencoded&body=a%3D1%26b%3D2',
  })) {
    add(`${reader} of ${kind}`, (fetch, { here }) => settled(async () => read(await fetch(`${here}/typed?${query}`))));
  }
  add(`${reader} of gzip`, (fetch, { here }) => settled(async () => read(await fetch(`${here}/encoded/gzip`))));
  add(`${reader} of 204`, (fetch, { here }) => settled(async () => read(await fetch(`${here}/status/204`))));
}
add('headers come before the body', async (fetch, { here }) => {
  const start = performance.now();
  const response = await fetch(`${here}/slow/300`);
  const early = performance.now() - start < 250;
  return [early, await response.text()];
});
add('a large body arrives whole', async (fetch, { here }) => {
  const bytes = Buffer.from(await (await fetch(`${here}/large/3000000`)).arrayBuffer());
  return [bytes.length, bytes.subarray(-20).toString('hex')];
});
add('a large body read in pieces', async (fetch, { here }) => {
  let length = 0;
  for await (const part of (await fetch(`${here}/large/3000000`)).body as Bytes) length += part.length;
  return length;
});
add('a large body cloned', async (fetch, { here }) => {
  const response = await fetch(`${here}/large/1000000`);
  const [a, b] = await Promise.all([response.clone().arrayBuffer(), response.arrayBuffer()]);
  return [a.byteLength, b.byteLength];
});
add('an endless body stalls its server', async (fetch, { here, written }) => {
  const response = await fetch(`${here}/endless`);
  let before = -1;
  for (let quiet = 0; quiet < 5 && written.bytes < 50_000_000; quiet = written.bytes === before ? quiet + 1 : 0) {
    before = written.bytes;
    await pause(20);
  }
  const stalled = written.bytes < 50_000_000;
  const reader = (response.body as Bytes).getReader();
  for (let read = 0; read < before;) read += (await reader.read()).value!.length;
  await pause(50);
  const moved = written.bytes > before;
  await reader.cancel();
  for (let waited = 0; !written.closed && waited < 1000; waited += 10) await pause(10);
  return [stalled, moved, written.closed];
});
add('a bomb is inflated only as far as it is read', async (fetch, { here }) => {
  const reader = ((await fetch(`${here}/encoded/bomb`)).body as Bytes).getReader();
  let length = 0;
  while (length < 1_000_000) length += (await reader.read()).value!.length;
  await reader.cancel();
  return length < 2_000_000;
});

// Aborts
const reasons: Record<string, () => [] | [unknown]> = {
  none: () => [],
  error: () => [new Error('because')],
  null: () => [null],
};
for (const [name, reason] of Object.entries(reasons)) {
  const aborting = (
    when: string,
    run: (fetch: Fetch, servers: Servers, control: AbortController, abort: () => void) => Promise<unknown>,
  ): void =>
    add(`abort ${when}, reason ${name}`, async (fetch, servers) => {
      const control = new AbortController();
      const given = reason();
      return settled(() => run(fetch, servers, control, () => control.abort(...given))).then(async (outcome) => {
        servers.takeSeen();
        return outcome;
      });
    });
  aborting('before', (fetch, { here }, { signal }, abort) => {
    abort();
    return fetch(here, { signal });
  });
  aborting('at once', (fetch, { here }, { signal }, abort) => {
    const answer = fetch(`${here}/never`, { signal });
    abort();
    return answer;
  });
  aborting('before the head', async (fetch, { here }, { signal }, abort) => {
    setTimeout(abort, 15);
    return fetch(`${here}/never`, { signal, method: 'POST', body: 'x' });
  });
  aborting('during the body, while reading', async (fetch, { here }, { signal }, abort) => {
    const response = await fetch(`${here}/slow/2000`, { signal });
    setTimeout(abort, 15);
    return response.text();
  });
  aborting('during the body, with a reader', async (fetch, { here }, { signal }, abort) => {
    const reader = ((await fetch(`${here}/slow/2000`, { signal })).body as Bytes).getReader();
    await reader.read();
    setTimeout(abort, 15);
    return [await settled(() => reader.read()), await settled(() => reader.closed)];
  });
  aborting('before reading a body that is all there', async (fetch, { here }, { signal }, abort) => {
    const response = await fetch(`${here}/echo`, { signal });
    await pause(15);
    abort();
    return [await settled(() => response.text()), response.bodyUsed];
  });
  aborting('during an encoded body', async (fetch, { here }, { signal }, abort) => {
    const response = await fetch(`${here}/encoded/large`, { signal });
    const reader = (response.body as Bytes).getReader();
    await reader.read();
    abort();
    return settled(() => reader.read());
  });
  aborting('after the end', async (fetch, { here }, { signal }, abort) => {
    const response = await fetch(`${here}/typed?body=x`, { signal });
    const text = await response.text();
    abort();
    return [text, response.bodyUsed];
  });
  aborting('after a redirect', async (fetch, { here }, { signal }, abort) => {
    setTimeout(abort, 40);
    return fetch(`${here}/redirect/302?to=/never`, { signal });
  });
}
add('AbortSignal.timeout', (fetch, { here }) =>
  settled(() => fetch(`${here}/never`, { signal: AbortSignal.timeout(30) })),
);
add('AbortSignal.timeout during the body', (fetch, { here }) =>
  settled(async () => (await fetch(`${here}/slow/2000`, { signal: AbortSignal.timeout(80) })).text()),
);
add('AbortSignal.any', (fetch, { here }) => {
  const control = new AbortController();
  setTimeout(() => control.abort('any'), 30);
  return settled(() =>
    fetch(`${here}/never`, { signal: AbortSignal.any([control.signal, new AbortController().signal]) }),
  );
});
add('the connection is closed by an abort', async (fetch, { here, written }) => {
  const control = new AbortController();
  await fetch(`${here}/endless`, { signal: control.signal });
  control.abort();
  for (let waited = 0; !written.closed && waited < 1000; waited += 10) await pause(10);
  return written.closed;
});
add('its name and length', async (fetch) => [fetch.name, fetch.length]);

export const cases: readonly Case[] = all;
