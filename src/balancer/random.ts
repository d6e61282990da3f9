import type { Lot } from './lot.ts';
import { Pick, type Siblings } from './pick.ts';
import type { Attempt, Picker } from './picker.ts';

/** Any endpoint, by weight. */
export class RandomPicker implements Picker {
  readonly policy = 'random';
  readonly siblings: Siblings;
  readonly #lot: Lot;

  constructor(lot: Lot, siblings: Siblings) {
    this.#lot = lot;
    this.siblings = siblings;
  }

  pick({ tried }: Attempt): Pick | undefined {
    const { endpoints } = this.#lot;
    if (endpoints.length === 0) return undefined;
    return new Pick(endpoints[this.#lot.draw(tried)]!, this.siblings);
  }
}
