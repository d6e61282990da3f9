import type { Clock, Timer } from './clock.ts';

/** A thing that waits in a `Timers` wheel. The links are the wheel's own; a node waits in one place at a time. */
export interface TimerNode {
  /** When to fire, on the monotonic clock. */
  due: number;
  prev: TimerNode | undefined;
  next: TimerNode | undefined;
  fire(): void;
}

const TICK = 8;
const SLOTS = 2_048;

/**
 * Deadlines and attempt timeouts by the hundred thousand: a hashed timing wheel (Varghese and Lauck, 1987, scheme 6)
 * whose nodes are the waiting objects themselves, so that adding and removing one costs a few pointer writes and
 * allocates nothing. Nearly every node is removed before it is due. Therefore the one clock timer beneath is set for
 * the earliest node known when it is set, is left alone when that node goes, and finds the next when it fires:
 * under load it fires a few times per timeout length, not once per tick.
 *
 * The clock timer keeps the process alive only while something waits.
 */
export class Timers {
  readonly #clock: Clock;
  readonly #heads: (TimerNode | undefined)[] = new Array<TimerNode | undefined>(SLOTS).fill(undefined);
  #size = 0;
  #scanned = 0;
  #timer: Timer | undefined;
  #armedFor = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many nodes wait. */
  get size(): number {
    return this.#size;
  }

  /** Lets `node` fire at the instant `due`. */
  add(node: TimerNode, due: number): void {
    node.due = due;
    const slot = slotOf(due);
    const head = this.#heads[slot];
    node.prev = undefined;
    node.next = head;
    if (head !== undefined) head.prev = node;
    this.#heads[slot] = node;
    this.#size++;
    if (due < this.#armedFor) this.#arm(due);
    else if (this.#size === 1) this.#timer?.ref();
  }

  /** Takes `node` out; one that waits no more is left alone. */
  remove(node: TimerNode): void {
    const slot = slotOf(node.due);
    if (node.prev !== undefined) node.prev.next = node.next;
    else if (this.#heads[slot] === node) this.#heads[slot] = node.next;
    else return;
    if (node.next !== undefined) node.next.prev = node.prev;
    node.prev = node.next = undefined;
    if (--this.#size === 0) this.#timer?.unref();
  }

  #arm(due: number): void {
    this.#timer?.cancel();
    this.#armedFor = due;
    this.#timer = this.#clock.schedule(Math.ceil(Math.max(0, due - this.#clock.now())), () => this.#expire());
    this.#timer.ref();
  }

  #expire(): void {
    this.#timer = undefined;
    this.#armedFor = Infinity;
    const now = this.#clock.now();
    let expired: TimerNode | undefined;
    const last = tickOf(now);
    const first = Math.max(this.#scanned, last - SLOTS + 1);
    this.#scanned = last;
    for (let tick = first; tick <= last; tick++) {
      for (let node = this.#heads[tick % SLOTS]; node !== undefined; ) {
        const following = node.next;
        if (node.due <= now) {
          this.remove(node);
          node.next = expired;
          expired = node;
        }
        node = following;
      }
    }
    if (this.#size > 0) this.#arm(this.#earliest(last));
    while (expired !== undefined) {
      const node = expired;
      expired = node.next;
      node.next = undefined;
      node.fire();
    }
  }

  /** The first due instant from `tick` on: the wheel is read forward until a turn of its own holds a node. */
  #earliest(tick: number): number {
    let earliest = Infinity;
    for (let ahead = 0; ahead < SLOTS; ahead++) {
      const end = (tick + ahead + 1) * TICK;
      if (earliest < end) return earliest;
      for (let node = this.#heads[(tick + ahead) % SLOTS]; node !== undefined; node = node.next) {
        if (node.due < earliest) earliest = node.due;
      }
    }
    return earliest;
  }
}

function tickOf(instant: number): number {
  return Math.floor(instant / TICK);
}

function slotOf(due: number): number {
  return tickOf(due) % SLOTS;
}
