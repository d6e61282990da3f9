/** Milliseconds, or a number with its unit: `'250ms'`, `'2s'`, `'1m'`, `'1h'`. */
export type Duration = number | `${number}ms` | `${number}s` | `${number}m` | `${number}h`;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;

/** The milliseconds of `text`, or undefined where it is no duration: negative, not finite, without unit. */
export function tryParseDuration(text: unknown): number | undefined {
  if (typeof text === 'number') return Number.isFinite(text) && text >= 0 ? text : undefined;
  if (typeof text !== 'string') return undefined;
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  const ms = Number(match[1]) * UNITS[match[2]!]!;
  return Number.isFinite(ms) ? ms : undefined;
}

/**
 * The milliseconds of a duration.
 * @throws RangeError where it is none.
 */
export function parseDuration(duration: Duration): number {
  const ms = tryParseDuration(duration);
  if (ms === undefined) {
    const given = typeof duration === 'string' ? JSON.stringify(duration) : String(duration);
    throw new RangeError(`${given} is no duration; write milliseconds or '250ms', '2s', '1m', '1h'`);
  }
  return ms;
}

/** `1.5s`, `250ms`: for messages. */
export function formatDuration(ms: number): string {
  if (Math.round(ms) < 1_000) return `${Math.round(ms)}ms`;
  const seconds = Number((ms / 1_000).toFixed(2));
  return seconds < 60 ? `${seconds}s` : `${Number((ms / 60_000).toFixed(2))}m`;
}
