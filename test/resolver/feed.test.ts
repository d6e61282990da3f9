import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EndpointInfo } from '../../src/model/endpoint.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { Fault, Feed } from '../../src/resolver/index.ts';
import { manualEnv } from './kit.ts';

type Step =
  | { readonly say: 'good'; readonly endpoints: EndpointInfo[] }
  | { readonly say: 'empty'; readonly kind: string }
  | { readonly say: 'failed'; readonly kind: string }
  | { readonly say: 'wait'; readonly ms: number };

const endpoint = fc.record({ address: fc.constantFrom('a:1', 'b:1', 'c:1'), weight: fc.constantFrom(1, 2) });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ say: fc.constant('good' as const), endpoints: fc.array(endpoint, { minLength: 1, maxLength: 4 }) }),
  fc.record({ say: fc.constant('empty' as const), kind: fc.constantFrom('X', 'Y') }),
  fc.record({ say: fc.constant('failed' as const), kind: fc.constantFrom('X', 'Y') }),
  fc.record({ say: fc.constant('wait' as const), ms: fc.nat(40_000) }),
);

/** Runs steps; `each` sees the last snapshot after every one, with the time. */
async function run(
  steps: readonly Step[],
  each: (step: Step, seen: readonly Snapshot[], now: number) => void,
): Promise<void> {
  const { clock, env } = manualEnv();
  const seen: Snapshot[] = [];
  let version = 0;
  const feed = new Feed(
    'test://x',
    env,
    (snapshot) => seen.push(snapshot),
    () => ++version,
  );
  for (const now of steps) {
    if (now.say === 'good') feed.good(now.endpoints);
    else if (now.say === 'empty') feed.empty(new Fault(now.kind, 'nothing'));
    else if (now.say === 'failed') feed.failed(new Fault(now.kind, 'broken'));
    else await clock.advance(now.ms);
    each(now, seen, clock.now());
  }
}

/** The rules in their simplest form. */
class Model {
  state: Snapshot['state'] | undefined;
  endpoints: readonly EndpointInfo[] = [];
  #emptySince: number | undefined;
  #doubting = false;

  follow(done: Step, now: number): void {
    if (done.say === 'good') {
      this.state = 'fresh';
      this.endpoints = firstOfEach(done.endpoints);
      this.#emptySince = undefined;
      this.#doubting = false;
    } else if (done.say === 'failed') {
      if (this.endpoints.length > 0) this.state = 'stale';
      else if (this.state !== 'empty') this.state = 'error';
      this.#doubting = false;
    } else if (done.say === 'empty') {
      this.state = 'stale';
      this.#emptySince ??= now;
      this.#doubting = true;
    }
    if (this.#doubting && (this.endpoints.length === 0 || now - this.#emptySince! >= 30_000)) {
      this.state = 'empty';
      this.endpoints = [];
    }
  }
}

function firstOfEach(endpoints: readonly EndpointInfo[]): EndpointInfo[] {
  return endpoints.filter(({ address }, index) => endpoints.findIndex((other) => other.address === address) === index);
}

const key = (endpoints: readonly EndpointInfo[]): string => {
  return endpoints
    .map(({ address, weight }) => `${address}*${weight ?? 1}`)
    .toSorted()
    .join();
};

describe('what a source reports becomes snapshots', () => {
  it('whose versions grow, and of which no two in a row tell the same', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) =>
        run(steps, (_, seen) => {
          const [before, last] = seen.slice(-2);
          if (before === undefined || last === undefined) return;
          expect(last.version).toBe(before.version + 1);
          const told = (snapshot: Snapshot): string => {
            return [snapshot.state, (snapshot.error?.cause as Fault | undefined)?.kind, key(snapshot.endpoints)].join(
              '|',
            );
          };
          expect(told(last)).not.toBe(told(before));
        }),
      ),
    );
  });

  it('that keep the last good endpoints until 30 s of empty answers, and no failure takes them away', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) => {
        const model = new Model();
        return run(steps, (done, seen, now) => {
          model.follow(done, now);
          const last = seen.at(-1);
          expect([last?.state, key(last?.endpoints ?? [])]).toEqual([model.state, key(model.endpoints)]);
          expect(last?.error === undefined).toBe(model.state === undefined || model.state === 'fresh');
        });
      }),
    );
  });

  it('that are not told again for the same endpoints in another order', () => {
    const { env } = manualEnv();
    const seen: Snapshot[] = [];
    const feed = new Feed(
      'test://x',
      env,
      (snapshot) => seen.push(snapshot),
      () => 1,
    );
    feed.good([
      { address: 'a:1', metadata: { v: '1' } },
      { address: 'b:1', zone: 'z' },
    ]);
    feed.good([
      { address: 'b:1', zone: 'z', weight: 1 },
      { address: 'a:1', metadata: { v: '1' }, priority: 0 },
    ]);
    expect(seen).toHaveLength(1);
    feed.good([
      { address: 'b:1', zone: 'z' },
      { address: 'a:1', metadata: { v: '2' } },
    ]);
    feed.good([
      { address: 'b:1', zone: 'y' },
      { address: 'a:1', metadata: { v: '2' } },
    ]);
    expect(seen).toHaveLength(3);
  });

  it('lets nothing follow on the last line of a message that ends with commands to run', () => {
    const { env } = manualEnv();
    const seen: Snapshot[] = [];
    const feed = new Feed(
      'test://x',
      env,
      (snapshot) => seen.push(snapshot),
      () => 1,
    );
    feed.failed(new Fault('FORBIDDEN', 'a right is missing; apply it with\n  kubectl create role inmesh'));
    expect(seen[0]!.error!.message.split('\n').slice(0, 2)).toEqual([
      'test://x: a right is missing; apply it with',
      '  kubectl create role inmesh',
    ]);
  });
});
