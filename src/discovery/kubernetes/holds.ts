import type { EndpointInfo } from '../../model/endpoint.ts';

/** How long what vanished is held, ms. */
export const HOLD = 1_000;

/**
 * Holds endpoints that vanish without having been unready first. A pod that is deleted is marked so before it goes; what
 * just vanishes is, as a rule, moving from one slice to another or in a slice that is deleted and made anew, and is back
 * in a moment.
 */
export class Holds {
  #before: readonly EndpointInfo[] = [];
  readonly #held: Map<string, { readonly info: EndpointInfo; readonly until: number }> = new Map();

  /**
   * `chosen` with what is held.
   * @param isNamed whether any slice still names an address, in whatever condition.
   * @returns also when the next hold ends.
   */
  over(
    chosen: readonly EndpointInfo[],
    isNamed: (address: string) => boolean,
    now: number,
  ): { endpoints: readonly EndpointInfo[]; until: number | undefined } {
    for (const info of this.#before) {
      if (!isNamed(info.address)) this.#held.set(info.address, { info, until: now + HOLD });
    }
    this.#before = chosen;
    let until: number | undefined;
    const kept: EndpointInfo[] = [];
    for (const [address, held] of this.#held) {
      if (held.until <= now || isNamed(address)) this.#held.delete(address);
      else {
        kept.push(held.info);
        until = Math.min(until ?? Infinity, held.until);
      }
    }
    return { endpoints: kept.length === 0 ? chosen : [...chosen, ...kept], until };
  }

  /** None is left: what comes next is a beginning. */
  forget(): void {
    this.#before = [];
    this.#held.clear();
  }
}
