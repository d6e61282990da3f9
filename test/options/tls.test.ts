import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { parseOptions, type ServiceSettings, type TlsOptions } from '../../src/mesh/options/index.ts';
import { type Identity, newIdentity } from '../kit/certificates.ts';

let one: Identity;
let two: Identity;
let folder: string;

beforeAll(async () => {
  [one, two] = await Promise.all([newIdentity(), newIdentity()]);
  folder = mkdtempSync(join(tmpdir(), 'inmesh-tls-'));
  writeFileSync(join(folder, 'cert.pem'), one.cert);
  writeFileSync(join(folder, 'key.pem'), one.key);
  writeFileSync(join(folder, 'empty.pem'), '');
  mkdirSync(join(folder, 'folder'));
  chmodSync(join(folder, 'key.pem'), 0o600);
});

const settle = (tls: TlsOptions): ServiceSettings['tls'] =>
  parseOptions({ services: { orders: { target: 'dns://orders:443', tls } } }).services.get('orders')!.tls;

test('text, bytes and files come out as what they hold', () => {
  expect(settle({ ca: one.cert, ...two })).toEqual({ ca: one.cert, ...two, minVersion: 'TLSv1.2' });
  const bytes = settle({ cert: Buffer.from(one.cert), key: new Uint8Array(Buffer.from(one.key)) });
  expect(bytes).toEqual({ cert: Buffer.from(one.cert), key: Buffer.from(one.key), minVersion: 'TLSv1.2' });
  const files = settle({ ca: join(folder, 'cert.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') });
  expect([files!.ca!.toString(), files!.cert!.toString(), files!.key!.toString()]).toEqual([
    one.cert,
    one.cert,
    one.key,
  ]);
});

test('the name to verify and the check of one’s own are passed on', () => {
  const checkServerIdentity = (): undefined => undefined;
  expect(settle({ servername: 'Orders.Example', checkServerIdentity, minVersion: 'TLSv1.3' })).toEqual({
    servername: 'orders.example',
    checkServerIdentity,
    minVersion: 'TLSv1.3',
  });
});

test('authorities may be several, with remarks between them', () => {
  const ca = `# one\n${one.cert}\n# two\n${two.cert}\n# end\n`;
  expect(settle({ ca })).toEqual({ ca, minVersion: 'TLSv1.2' });
});

test.each<[string, () => TlsOptions, RegExp]>([
  ['a cert without its key', () => ({ cert: one.cert }), /tls\.key: missing; cert needs its key/],
  ['a key without its cert', () => ({ key: one.key }), /tls\.cert: missing; key needs its cert/],
  ['a key of another certificate', () => ({ cert: one.cert, key: two.key }), /tls\.cert: cannot be used: .*mismatch/],
  ['a broken certificate', () => ({ cert: one.cert.slice(0, 200), key: one.key }), /tls\.cert: cannot be used: /],
  ['a broken key', () => ({ cert: one.cert, key: one.key.replace(/\n[^-]/, '\n#') }), /tls\.cert: cannot be used: /],
  ['a broken authority', () => ({ ca: one.cert.slice(0, 200) }), /tls\.ca: cannot be used: /],
  [
    'a file that is not there',
    () => ({ ca: '/nowhere/ca.pem' }),
    /tls\.ca: "\/nowhere\/ca\.pem" cannot be read \(ENOENT\)/,
  ],
  ['a folder', () => ({ ca: join(folder, 'folder') }), /tls\.ca: ".*folder" cannot be read \(EISDIR\)/],
  ['an empty file', () => ({ ca: join(folder, 'empty.pem') }), /tls\.ca: ".*empty\.pem" holds no PEM/],
  ['bytes that are no PEM', () => ({ ca: Buffer.from([1, 2, 3]) }), /tls\.ca: no PEM/],
  ['a path with a NUL', () => ({ ca: 'a\0b' }), /tls\.ca: .* cannot be read/],
])('%s is told of before any request', (_, tls, message) => {
  expect(() => settle(tls())).toThrow(expect.objectContaining({ code: 'INMESH_CONFIG' }) as Error);
  expect(() => settle(tls())).toThrow(message);
});
