import { createEnv } from '../../../src/core/env.ts';
import { silentLogger } from '../../../src/core/log.ts';
import type { Resolver, Snapshot } from '../../../src/model/snapshot.ts';
import { createResolver, Fault } from '../../../src/resolver/index.ts';
import { until } from './peer.ts';

/** What a resolver tells, on the real clock. */
export interface Watch {
  readonly snapshots: readonly Snapshot[];
  /** The endpoints of the latest snapshot, as `address`, in order of the text. */
  addresses(): string[];
  state(): Snapshot['state'] | undefined;
  /** The kind of what went wrong, as the latest snapshot has it. */
  fault(): string | undefined;
  /** All that the latest snapshot says of it. */
  message(): string;
  refresh(): void;
  /** Waits until the latest snapshot has exactly these addresses. */
  untilAddresses(...addresses: string[]): Promise<void>;
  untilState(state: Snapshot['state']): Promise<void>;
  stop: () => void;
}

export function watch(target: string): Watch {
  return watchResolver(createResolver(target, createEnv({ log: silentLogger })));
}

export function watchResolver(resolver: Resolver): Watch {
  const { target } = resolver;
  const snapshots: Snapshot[] = [];
  const stop = resolver.watch((snapshot) => void snapshots.push(snapshot));
  const addresses = (): string[] => (snapshots.at(-1)?.endpoints ?? []).map(({ address }) => address).toSorted();
  return {
    snapshots,
    addresses,
    state: () => snapshots.at(-1)?.state,
    fault: () => faultBeneath(snapshots.at(-1)?.error)?.kind,
    message: () => snapshots.at(-1)?.error?.message ?? '',
    refresh: () => resolver.refresh?.(),
    untilAddresses: (...expected) =>
      until(() => addresses().join() === expected.toSorted().join(), `${target} to tell ${expected.join()}`),
    untilState: (state) => until(() => snapshots.at(-1)?.state === state, `${target} to be ${state}`),
    stop,
  };
}

function faultBeneath(error: unknown): Fault | undefined {
  if (error instanceof Fault || error === undefined) return error;
  return faultBeneath((error as Error).cause);
}
