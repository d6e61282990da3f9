import { encode } from 'dns-packet';
import fc from 'fast-check';
import { isIP } from 'node:net';
import { describe, expect, it } from 'vitest';
import { makeQuery, readResponse, type Response } from '../../src/resolver/dns/message.ts';
import { Fault } from '../../src/resolver/index.ts';

const query = makeQuery({ name: '_http._tcp.orders.test', type: 'SRV' }, true);
const good = encode({
  type: 'response',
  id: query.id,
  questions: [{ name: query.question.name, type: 'SRV' }],
  answers: [{ name: query.question.name, type: 'SRV', ttl: 5, data: { port: 80, target: 'a.test' } }],
  additionals: [
    { name: 'a.test', type: 'A', ttl: 5, data: '10.0.0.1' },
    { name: 'a.test', type: 'AAAA', ttl: 5, data: 'fd00::1' },
    { name: 'b.test', type: 'CNAME', ttl: 5, data: 'a.test' },
  ],
});

/** What comes of bytes: nothing, a response, or a `MALFORMED` fault; anything else is thrown on. */
function outcome(bytes: Buffer): Response | 'foreign' | 'malformed' {
  try {
    return readResponse(bytes, query) ?? 'foreign';
  } catch (error) {
    if (error instanceof Fault && error.kind === 'MALFORMED') return 'malformed';
    throw error;
  }
}

/** Whether every record holds what its type says. */
function isSound(response: Response): boolean {
  return [...response.answers, ...response.additionals].every((record) => {
    if (record.type === 'A') return isIP(record.data) === 4;
    if (record.type === 'AAAA') return isIP(record.data) === 6;
    if (record.type === 'CNAME') return typeof record.data === 'string';
    if (record.type !== 'SRV') return false;
    return Number.isInteger(record.data.port) && typeof record.data.target === 'string';
  });
}

describe('DNS messages', () => {
  it('are read where they are sound', () => {
    expect(outcome(good)).toMatchObject({
      answers: [{ data: { port: 80, target: 'a.test' } }],
      additionals: [{}, {}, {}],
    });
  });

  it('that are damaged or cut short give sound records, a fault, or nothing', () => {
    const damage = fc.record({ at: fc.nat(good.length - 1), to: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(damage, { maxLength: 6 }), fc.nat(good.length), (damages, cut) => {
        const bytes = Buffer.from(good.subarray(0, good.length - (cut % 2 === 0 ? cut / 2 : 0)));
        for (const { at, to } of damages) if (at < bytes.length && at > 1) bytes[at] = to;
        const result = outcome(bytes);
        expect(typeof result === 'string' || isSound(result)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  it('that are noise are never taken for an answer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        const bytes = Buffer.from(noise);
        if (bytes.length >= 2) bytes.writeUInt16BE(query.id, 0);
        const result = outcome(bytes);
        expect(typeof result === 'string' || result.rcode !== 'NOERROR').toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });
});
