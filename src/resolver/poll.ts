import type { Timer } from '../core/clock.ts';
import type { Env } from '../core/env.ts';
import type { EndpointInfo } from '../model/endpoint.ts';
import { type Fault } from './fault.ts';
import type { Feed, Source } from './feed.ts';

/** What a question came to. */
export type Answer =
  | {
      readonly endpoints: readonly EndpointInfo[];
      /** When to ask again, ms from now. */
      readonly next: number;
      /** A part could not be asked for, and `endpoints` holds the last known of it. */
      readonly fault?: Fault | undefined;
    }
  /** There are none. `certain`: said so on purpose. */
  | { readonly none: Fault; readonly certain?: boolean };

const FIRST_BACKOFF = 1_000;
const LONGEST_BACKOFF = 30_000;

/**
 * Asks a source over and over: at the time the answer says, or after failures and empty answers with a back-off that
 * doubles from 1 s to 30 s, the upper half of it drawn at random so that many clients do not ask together.
 * @param ask asks once; `force`: not from a cache. Rejects where that fails.
 * @param spacing the least time between two questions, ms.
 */
export function poll(feed: Feed, env: Env, ask: (force: boolean) => Promise<Answer>, spacing = 1_000): Source {
  const { clock, random } = env;
  let timer: Timer | undefined;
  let asked = -Infinity;
  let due = Infinity;
  let failures = 0;
  let asking = false;
  let stopped = false;

  const backoff = (): number => {
    const longest = Math.min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** failures++);
    return longest * (0.5 + 0.5 * random());
  };

  const report = (answer: Answer): number => {
    if ('none' in answer) {
      feed.empty(answer.none, answer.certain);
      return backoff();
    }
    feed.good(answer.endpoints, answer.fault);
    if (answer.fault !== undefined) return Math.min(answer.next, backoff());
    failures = 0;
    return answer.next;
  };

  const run = async (force: boolean): Promise<void> => {
    timer = undefined;
    asking = true;
    asked = clock.now();
    let delay: number;
    try {
      const answer = await ask(force);
      if (stopped) return;
      delay = report(answer);
    } catch (error) {
      if (stopped) return;
      feed.failed(error);
      delay = backoff();
    } finally {
      asking = false;
    }
    if (!stopped) schedule(clock.now() + delay, false);
  };

  const schedule = (instant: number, force: boolean): void => {
    due = Math.max(instant, asked + spacing);
    timer?.cancel();
    timer = clock.schedule(due - clock.now(), () => void run(force));
  };

  void run(false);
  return {
    stop() {
      stopped = true;
      timer?.cancel();
    },
    refresh() {
      if (stopped || asking || Math.max(clock.now(), asked + spacing) >= due) return;
      schedule(clock.now(), true);
    },
  };
}
