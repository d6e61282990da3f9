import { formatDuration } from '../../core/duration.ts';
import type { Env } from '../../core/env.ts';
import { MeshError } from '../../core/errors.ts';
import type { Call } from '../../model/call.ts';
import type { LimitSettings } from './options.ts';
import { Turn } from './turn.ts';

/** How many calls of one service may be under way, and the queue of those that wait for a slot: first come, first served. */
export class ConcurrencyLimit {
  readonly service: string;
  readonly env: Env;
  #settings: LimitSettings;
  #inFlight = 0;
  /** In the order they came; one that goes takes itself out, wherever it stands. */
  readonly #queue: Set<Turn> = new Set();

  constructor(settings: LimitSettings, env: Env, service: string) {
    this.#settings = settings;
    this.env = env;
    this.service = service;
  }

  /** Slots taken. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Calls that wait for a slot. */
  get queued(): number {
    return this.#queue.size;
  }

  /** Takes a slot if one is free (then nobody waits). Who takes one gives it back with `release`, once. */
  tryAcquire(): boolean {
    if (this.#inFlight >= this.#settings.perService) return false;
    this.#inFlight++;
    return true;
  }

  /**
   * Waits for a slot: until `queueTimeout`, the call's deadline or its abort.
   * @throws MeshError (rejects) `INMESH_OVERLOADED` where the queue is full or the wait too long,
   * `INMESH_DEADLINE_EXCEEDED`, or what the call was aborted with.
   */
  acquire(call: Call): Promise<void> {
    if (this.tryAcquire()) return Promise.resolve();
    const { queue, queueTimeout } = this.#settings;
    if (this.#queue.size >= queue) return Promise.reject(this.#overloaded('there is no room to wait'));
    return new Promise((resolve, reject) => {
      const turn: Turn = new Turn(call, {
        due: Math.min(this.env.clock.now() + queueTimeout, call.deadline),
        timers: this.env.timers,
        left: () => this.#queue.delete(turn),
        granted: resolve,
        refused: reject,
        expired: () => this.#expiry(call),
      });
      this.#queue.add(turn);
      turn.begin();
    });
  }

  /** Gives a slot back; who has waited longest gets it. */
  release(): void {
    this.#inFlight--;
    this.#serve();
  }

  /** Takes over new limits; what is under way or waits stays so. */
  update(settings: LimitSettings): void {
    this.#settings = settings;
    this.#serve();
  }

  #serve(): void {
    for (const turn of this.#queue) {
      if (this.#inFlight >= this.#settings.perService) return;
      this.#inFlight++;
      turn.grant();
    }
  }

  #expiry(call: Call): MeshError {
    const { queueTimeout } = this.#settings;
    const { service } = this;
    if (this.env.clock.now() < call.deadline) {
      return this.#overloaded(`no slot came free within ${formatDuration(queueTimeout)} (queueTimeout)`);
    }
    const waited = formatDuration(this.env.clock.now() - call.start);
    const message = `The deadline of a call to ${service} passed after ${waited}, while it waited for one of ${this.#settings.perService} slots (limits.perService)`;
    return new MeshError('INMESH_DEADLINE_EXCEEDED', message, { service, sent: false });
  }

  #overloaded(why: string): MeshError {
    const { perService, queue } = this.#settings;
    const message =
      `Too many calls to ${this.service}: ${this.#inFlight} of ${perService} under way (perService), ` +
      `${this.#queue.size} of ${queue} waiting (queue); ${why}. ` +
      `Send less, make the service faster, or raise services.${this.service}.limits`;
    return new MeshError('INMESH_OVERLOADED', message, { service: this.service, sent: false });
  }
}
