import type { Clock, Timer } from '../core/clock.ts';

interface Task {
  readonly due: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * A clock that stands still until it is told to move. `advance` runs what is due on the way, in order, and lets
 * promises settle in between, so a test of seconds takes no time and comes out the same every time.
 */
export class ManualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #epoch: number;
  readonly #tasks: Set<Task> = new Set();

  /** @param start where the monotonic clock begins, ms; @param epoch the wall time at that moment, ms since 1970. */
  constructor(start = 1_000, epoch: number = Date.UTC(2026, 0, 1)) {
    this.#now = start;
    this.#epoch = epoch - start;
  }

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#epoch + this.#now;
  }

  schedule(delay: number, task: () => void): Timer {
    const entry: Task = { due: this.#now + Math.max(0, delay), order: this.#order++, run: task };
    this.#tasks.add(entry);
    return { cancel: () => void this.#tasks.delete(entry), ref: () => {}, unref: () => {} };
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#tasks.size;
  }

  /** Moves on by `ms`, running what falls due, earliest first; promises settle between two tasks and at the end. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    await settle();
    for (let task = this.#nextDue(target); task !== undefined; task = this.#nextDue(target)) {
      this.#now = Math.max(this.#now, task.due);
      this.#tasks.delete(task);
      task.run();
      await settle();
    }
    this.#now = target;
  }

  /** Moves on by `ms` at once, as a frozen process does: what fell due runs late, in one go, at the new time. */
  async jump(ms: number): Promise<void> {
    this.#now += ms;
    await this.advance(0);
  }

  #nextDue(target: number): Task | undefined {
    let first: Task | undefined;
    for (const task of this.#tasks) {
      if (task.due > target) continue;
      if (first === undefined || task.due < first.due || (task.due === first.due && task.order < first.order))
        first = task;
    }
    return first;
  }
}

/** Lets everything that is ready run: one turn of the event loop's immediates, promises included. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
