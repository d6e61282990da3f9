import type { TimerNode, Timers } from '../../core/timers.ts';
import type { Abortable, CallSignal } from '../../model/signal.ts';

/** Waits in the timer wheel until `due`; rejects at once with the signal's reason when the call is given up. */
export function pauseUntil(due: number, signal: CallSignal, timers: Timers): Promise<void> {
  return new Promise((resolve, reject) => {
    const pause: TimerNode & Abortable = {
      due: 0,
      prev: undefined,
      next: undefined,
      fire() {
        signal.unlisten(pause);
        resolve();
      },
      onAbort(reason) {
        timers.remove(pause);
        reject(reason);
      },
    };
    timers.add(pause, due);
    signal.listen(pause);
  });
}
