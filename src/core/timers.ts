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
/** What fires this much after it was due, ms, tells of a process that stood still. */
const LATE = 50;

/** Whether `node`, which fires, does so too late to tell anything of whomever it waited for: this process stood still. */
export function isLate(node: TimerNode, clock: Clock): boolean {
  return clock.now() - node.due > LATE;
}

/**
 * Deadlines and attempt timeouts by the hundred thousand: a hashed timing wheel (Varghese and Lauck, 1987, scheme 6)
 * whose nodes are the waiting objects themselves, so that adding and removing one costs a few pointer writes and
 * allocates nothing. Nearly every node is removed before it is due. Therefore the one clock timer beneath is set for
 * the earliest node known when it is set, is left alone when that node goes, and finds the next when it fires:
 * under load it fires a few times per timeout length, not once per tick.
 *
 * Node runs timers before it reads sockets, so that after a standstill an answer would be given up that lies in the
 * kernel, unread. Therefore what is due fires one turn later, when all that had come in by then has been read.
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
  /** Those that are due and about to fire; one that fires may still take out another. */
  #expired: TimerNode | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many nodes wait. */
  get size(): number {
    return this.#size;
  }

  /** Lets `node` fire at the instant `due`: never at `Infinity`, as soon as may be if that has passed. One that waits already is moved. */
  add(node: TimerNode, due: number): void {
    this.remove(node);
    // What has passed goes where the next look begins, or no look would find it.
    node.due = Math.max(due, this.#scanned * TICK);
    if (!(node.due < Infinity)) return;
    this.#heads[slotOf(node.due)] = link(node, this.#heads[slotOf(node.due)]);
    this.#size++;
    if (node.due < this.#armedFor) this.#arm(node.due);
    else if (this.#size === 1) this.#timer?.ref();
  }

  /** Takes `node` out; one that waits no more is left alone. */
  remove(node: TimerNode): void {
    if (!this.#unlink(node)) return;
    if (--this.#size === 0) this.#timer?.unref();
  }

  #unlink(node: TimerNode): boolean {
    const slot = slotOf(node.due);
    if (node.prev !== undefined) node.prev.next = node.next;
    else if (this.#heads[slot] === node) this.#heads[slot] = node.next;
    else if (this.#expired === node) this.#expired = node.next;
    else return false;
    if (node.next !== undefined) node.next.prev = node.prev;
    node.prev = node.next = undefined;
    return true;
  }

  #arm(due: number): void {
    this.#timer?.cancel();
    this.#armedFor = due;
    this.#timer = this.#clock.schedule(Math.ceil(Math.max(0, due - this.#clock.now())), () => this.#readFirst());
    this.#timer.ref();
  }

  #readFirst(): void {
    this.#timer = this.#clock.schedule(0, () => this.#expire());
    if (this.#size > 0) this.#timer.ref();
  }

  #expire(): void {
    this.#timer = undefined;
    this.#armedFor = Infinity;
    this.#collect(this.#clock.now());
    try {
      for (let node = this.#expired; node !== undefined; node = this.#expired) {
        this.remove(node);
        node.fire();
      }
    } finally {
      // Where one threw, the others fire in a turn of their own.
      if (this.#expired !== undefined) this.#arm(this.#clock.now());
      else if (this.#size > 0) this.#armForEarliest();
    }
  }

  /** Moves all that is due by `now` to `#expired`. */
  #collect(now: number): void {
    const last = tickOf(now);
    const first = Math.max(this.#scanned, last - SLOTS + 1);
    this.#scanned = last;
    for (let tick = first; tick <= last; tick++) {
      for (let node = this.#heads[tick % SLOTS]; node !== undefined;) {
        const following = node.next;
        if (node.due <= now) {
          this.#unlink(node);
          this.#expired = link(node, this.#expired);
        }
        node = following;
      }
    }
  }

  /** The wheel is read forward until a turn of its own holds a node: that one is the next. */
  #armForEarliest(): void {
    let earliest = this.#armedFor;
    for (let ahead = 0; ahead < SLOTS && earliest >= (this.#scanned + ahead) * TICK; ahead++) {
      for (let node = this.#heads[(this.#scanned + ahead) % SLOTS]; node !== undefined; node = node.next) {
        if (node.due < earliest) earliest = node.due;
      }
    }
    if (earliest < this.#armedFor) this.#arm(earliest);
  }
}

/** Puts `node` before `head`, and is the new head. */
function link(node: TimerNode, head: TimerNode | undefined): TimerNode {
  node.prev = undefined;
  node.next = head;
  if (head !== undefined) head.prev = node;
  return node;
}

function tickOf(instant: number): number {
  return Math.floor(instant / TICK);
}

function slotOf(due: number): number {
  return tickOf(due) % SLOTS;
}
