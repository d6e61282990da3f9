/** What goes wrong, and when. */
import type { Fleet } from './fleet.ts';

export interface Fault {
  /** When, as a share of the whole run. */
  readonly at: number;
  /** What happened, for people. */
  readonly what: string;
  strike(): void;
}

/** The names that DNS tells of for a service change. */
export type Publish = (service: string, backends: readonly string[]) => void;

/** The backends of each service that DNS tells of at the start. */
export const AT_START: Readonly<Record<string, readonly string[]>> = {
  orders: ['orders-1', 'orders-2', 'orders-3', 'orders-4'],
  users: ['users-1', 'users-2', 'users-3'],
};

/** Runs from the start, but DNS does not tell of it yet. */
export const NEWCOMER = 'orders-5';

/** The faults in their order. Both sides meet all of them at the same moment: they share the backends. */
export function timeline(fleet: Fleet, publish: Publish): Fault[] {
  return [
    { at: 0.14, what: 'orders-2 killed (SIGKILL)', strike: () => fleet.kill('orders-2') },
    { at: 0.3, what: 'users-1 answers 500 to everything', strike: () => fleet.tell('users-1', 'failing') },
    { at: 0.46, what: 'orders-3 is ten times slower', strike: () => fleet.tell('orders-3', 'slow') },
    {
      at: 0.62,
      what: 'DNS: orders-5 added, orders-2 removed',
      strike: () => publish('orders', ['orders-1', 'orders-3', 'orders-4', NEWCOMER]),
    },
    {
      at: 0.8,
      what: 'orders-3 and users-1 are well again',
      strike: () => {
        fleet.tell('orders-3', 'well');
        fleet.tell('users-1', 'well');
      },
    },
  ];
}
