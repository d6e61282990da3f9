import { Fault, faultOf } from '../fault.ts';
import { candidates, type System } from './system.ts';
import type { Server } from './target.ts';

/**
 * A name as resolv.conf(5) reads it: with few dots it may stand for several. They are tried in turn while the answer is
 * that there is no such name; any other failure ends the search, lest a fault of the server give a wrong name the word.
 */
export class SearchedName {
  readonly #name: string;
  readonly #servers: readonly Server[] | undefined;
  readonly #system: System;
  /** The one that answered last: tried first from then on. */
  #answered: string | undefined;

  /** @param servers those to ask instead of the host's own; the search list is the host's and is left alone then. */
  constructor(name: string, servers: readonly Server[] | undefined, system: System) {
    this.#name = name;
    this.#servers = servers;
    this.#system = system;
  }

  /** What `ask` comes to for the first name that has what is asked for. Rejects with one fault that tells of all. */
  async find<T>(ask: (name: string, servers: readonly Server[]) => Promise<T>): Promise<T> {
    const search = this.#servers === undefined ? await this.#system.search() : { domains: [], ndots: 0 };
    const names = new Set(candidates(this.#name, search));
    const order =
      this.#answered !== undefined && names.has(this.#answered) ? new Set([this.#answered, ...names]) : names;
    const faults: Fault[] = [];
    for (const name of order) {
      try {
        const found = await ask(name, this.#servers ?? this.#system.servers());
        this.#answered = name;
        return found;
      } catch (error) {
        const fault = faultOf(error);
        if (!isNegative(fault)) throw fault;
        faults.push(fault);
      }
    }
    throw joinFaults(faults);
  }
}

/** Whether the server answered well, and the answer is no. */
export function isNegative({ kind }: Fault): boolean {
  return kind === 'NXDOMAIN' || kind === 'NODATA';
}

/** One fault of several: of the kind that says most (a failure before NODATA before NXDOMAIN), with every message. */
export function joinFaults(faults: readonly Fault[]): Fault {
  const rank = ({ kind }: Fault): number => (kind === 'NXDOMAIN' ? 0 : kind === 'NODATA' ? 1 : 2);
  const top = faults.reduce((one, other) => (rank(other) > rank(one) ? other : one));
  if (faults.length === 1) return top;
  return new Fault(top.kind, [...new Set(faults.map((fault) => fault.message))].join('; '), top.cause);
}
