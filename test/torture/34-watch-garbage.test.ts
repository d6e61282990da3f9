import { describe, expect, it } from 'vitest';
import { itemsOf, linesOf } from '../../src/discovery/kubernetes/stream.ts';
import { world } from '../discovery/kit.ts';
import { slice } from '../kit/apiserver.ts';

const LONG = 'x'.repeat(1_000_000);

describe('34 watch-garbage', () => {
  it.each<[string, readonly string[]]>([
    ['no JSON', ['<html>gateway time-out</html>\n']],
    ['half a line, then the end', ['{"type":"MODIFIED","object":{"metadata":{"na']],
    ['a line of 10 MB', [...Array<string>(10).fill(LONG), '\n']],
    ['10 MB without an end', Array<string>(10).fill(LONG)],
    ['null', ['null\n']],
    ['an event of no known type', ['{"type":"SURPRISE","object":{}}\n']],
    [
      'an object that is no slice',
      [
        '{"type":"ADDED","object":{"metadata":{"name":"z","labels":{"kubernetes.io/service-name":"orders"}},"addressType":7}}\n',
      ],
    ],
    [
      'endpoints that are no list',
      [
        '{"type":"ADDED","object":{"metadata":{"name":"z","labels":{"kubernetes.io/service-name":"orders"}},"addressType":"IPv4","endpoints":{}}}\n',
      ],
    ],
  ])('%s: everything is listed again, nothing is lost', async (_name, bytes) => {
    const { api, watch, pass, wait } = await world();
    api.apply(slice('a', ['10.0.0.1']));
    const orders = watch('k8s://shop/orders');
    await pass(() => orders.addresses.length === 1 && api.watchers.size === 1);
    await wait(1_100, 100);
    const lists = api.count('list');
    for (const part of bytes) api.write(part);
    if (!bytes.at(-1)!.endsWith('\n')) {
      await wait(50);
      api.drop('end');
    }
    api.apply(slice('b', ['10.0.0.2']));
    await pass(() => orders.addresses.length === 2, 50);
    expect(api.count('list')).toBe(lists + 1);
    expect(orders.seen.every(({ endpoints, state }) => endpoints.length > 0 && state === 'fresh')).toBe(true);
  });

  it('a character that lies across two chunks is whole', async () => {
    const { api, watch, pass } = await world();
    api.apply(slice('a', ['10.0.0.1']));
    const orders = watch('k8s://shop/orders');
    await pass(() => orders.addresses.length === 1 && api.watchers.size === 1);
    const object = slice('b', [{ addresses: ['10.0.0.2'], zone: 'zürich-1' }]);
    const metadata = { ...object.metadata, resourceVersion: 'v9' };
    const line = Buffer.from(`${JSON.stringify({ type: 'ADDED', object: { ...object, metadata } })}\n`);
    for (let at = 0; at < line.length; at++) {
      api.write(line.subarray(at, at + 1));
      if (at % 8 === 0) await new Promise((turn) => setImmediate(turn));
    }
    await pass(() => orders.addresses.length === 2);
    expect(orders.last!.endpoints[1]).toEqual({ address: '10.0.0.2:80', zone: 'zürich-1' });
  });
});

async function* chunks(text: string, size: number): AsyncIterable<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

describe('34 streams in pieces', () => {
  const items = [{ a: '}]{[",\\"' }, { b: [{ c: [] }], d: 'ö' }, {}];
  const list = JSON.stringify({
    kind: 'List',
    metadata: { resourceVersion: '[1]', continue: '' },
    items,
    more: { x: [1] },
  });

  it.each([1, 2, 3, 7, 64, 10_000])('a list comes apart into its items, in chunks of %i bytes', async (size) => {
    const found: unknown[] = [];
    let envelope: unknown;
    for await (const part of itemsOf(chunks(list, size))) {
      if ('item' in part) found.push(JSON.parse(part.item));
      else envelope = JSON.parse(part.envelope);
    }
    expect(found).toEqual(items);
    expect(envelope).toEqual({
      kind: 'List',
      metadata: { resourceVersion: '[1]', continue: '' },
      items: [],
      more: { x: [1] },
    });
  });

  it.each([1, 5, 1_000])('lines come apart at newlines, the last without one, in chunks of %i bytes', async (size) => {
    const found: string[] = [];
    for await (const line of linesOf(chunks('{"a":1}\n\n{"b":"ö"}\n{"c', size))) found.push(line);
    expect(found).toEqual(['{"a":1}', '{"b":"ö"}', '{"c']);
  });

  it('what is above the limit is refused, be it a line, an item, or what is around items', async () => {
    const drain = async (parts: AsyncIterable<unknown>): Promise<void> => {
      for await (const _part of parts);
    };
    const long = JSON.stringify({ metadata: {}, items: [{ x: 'y'.repeat(200) }] });
    for (const size of [10, 10_000]) {
      await expect(drain(linesOf(chunks(long, size), 100))).rejects.toMatchObject({ kind: 'OVERSIZED' });
      await expect(drain(itemsOf(chunks(long, size), 100))).rejects.toMatchObject({ kind: 'OVERSIZED' });
      const around = JSON.stringify({ metadata: { x: 'y'.repeat(200) }, items: [] });
      await expect(drain(itemsOf(chunks(around, size), 100))).rejects.toMatchObject({ kind: 'OVERSIZED' });
    }
  });
});
