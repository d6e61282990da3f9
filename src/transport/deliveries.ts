import type { Delivery } from './delivery.ts';

/** All deliveries under way: a list whose links are the deliveries themselves, for adding one must cost next to nothing. */
export class Deliveries {
  size = 0;
  #first: Delivery | undefined;

  add(delivery: Delivery): void {
    delivery.next = this.#first;
    if (this.#first !== undefined) this.#first.prev = delivery;
    this.#first = delivery;
    this.size++;
  }

  /** Takes out one that is in. */
  delete(delivery: Delivery): void {
    if (delivery.prev === undefined) this.#first = delivery.next;
    else delivery.prev.next = delivery.next;
    if (delivery.next !== undefined) delivery.next.prev = delivery.prev;
    this.size--;
  }

  /** Those that are under way now. */
  *[Symbol.iterator](): Generator<Delivery> {
    for (let delivery = this.#first; delivery !== undefined;) {
      const following: Delivery | undefined = delivery.next;
      yield delivery;
      delivery = following;
    }
  }
}
