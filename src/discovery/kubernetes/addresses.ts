import type { EndpointInfo } from '../../model/endpoint.ts';
import type { Slice } from './slice.ts';
import type { Slices } from './watch.ts';

type Members = readonly { readonly info: EndpointInfo }[];

/** In how many slices each address is, kept up slice by slice: with none in two, nothing needs to be merged. */
export class Addresses {
  readonly #counts: Map<string, number> = new Map();
  readonly #seen: Map<string, Members> = new Map();
  #shared = 0;

  /** How many there are. */
  get size(): number {
    return this.#counts.size;
  }

  /** Whether any is there twice. */
  get areShared(): boolean {
    return this.#shared > 0;
  }

  has(address: string): boolean {
    return this.#counts.has(address);
  }

  /** Takes over what has changed since the last time. */
  follow(slices: Slices, membersOf: (slice: Slice) => Members): void {
    for (const [name, slice] of slices) {
      const members = membersOf(slice);
      const before = this.#seen.get(name);
      if (before === members) continue;
      if (before !== undefined) this.#subtract(before);
      this.#add(members);
      this.#seen.set(name, members);
    }
    if (this.#seen.size === slices.size) return;
    for (const [name, members] of this.#seen) {
      if (slices.has(name)) continue;
      this.#subtract(members);
      this.#seen.delete(name);
    }
  }

  #add(members: Members): void {
    for (const { info } of members) {
      const count = this.#counts.get(info.address) ?? 0;
      this.#counts.set(info.address, count + 1);
      if (count === 1) this.#shared++;
    }
  }

  #subtract(members: Members): void {
    for (const { info } of members) {
      const count = this.#counts.get(info.address)!;
      if (count === 1) this.#counts.delete(info.address);
      else this.#counts.set(info.address, count - 1);
      if (count === 2) this.#shared--;
    }
  }
}
