/**
 * Open-loop load: requests leave at fixed instants, however slow the answers are, and latency counts from the instant at
 * which a request was meant to leave. A generator that waits for answers would send less just when things are slow, and
 * so hide it ("coordinated omission", Gil Tene).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Side } from './sides.ts';

export interface Load {
  readonly services: readonly string[];
  readonly sides: readonly Side[];
  /** Requests a second, to each service, on each side. */
  readonly rate: number;
  /** Milliseconds. */
  readonly duration: number;
}

/**
 * Drives all sides with the same requests at the same instants; settles when the last answer is in.
 * @returns by how much the machine itself was late at worst in sending a request, ms: part of both sides' latencies.
 */
export async function drive({ services, sides, rate, duration }: Load, signal: AbortSignal): Promise<number> {
  const begin = performance.now();
  const interval = 1_000 / rate / services.length;
  const pending = new Set<Promise<void>>();
  let late = 0;
  for (let index = 0; index * interval < duration; index++) {
    const due = begin + index * interval;
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait, undefined, { signal }).catch(() => {});
    if (signal.aborted) break;
    late = Math.max(late, performance.now() - due);
    const service = services[index % services.length]!;
    // Each side goes first half of the time.
    const order = Math.floor(index / services.length) % 2 === 0 ? sides : sides.toReversed();
    for (const side of order) {
      const request = send(side, service, due).finally(() => pending.delete(request));
      pending.add(request);
    }
  }
  await Promise.all(pending);
  return late;
}

async function send(side: Side, service: string, due: number): Promise<void> {
  const series = side.services.of(service);
  series.begin();
  const ok = await side.send(service).catch(() => false);
  series.end(performance.now() - due, ok);
}
