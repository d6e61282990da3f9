const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const DAY = 86_400_000;

/**
 * How long a `Retry-After` header asks to wait, ms: seconds or an HTTP date (RFC 9110 section 10.2.3), 0 for one that
 * has passed. Undefined where there is none or it makes no sense: negative, a bare date, text.
 */
export function parseRetryAfter(header: string | readonly string[] | undefined, wallTime: number): number | undefined {
  const text = (typeof header === 'string' ? header : header?.[0])?.trim();
  if (text === undefined) return undefined;
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1_000;
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const month = MONTHS.indexOf(match[2]!);
  if (month < 0) return undefined;
  const [day, year, hours, minutes, seconds] = [match[1], match[3], match[4], match[5], match[6]].map(Number);
  const instant = daysSinceEpoch(year!, month, day!) * DAY + ((hours! * 60 + minutes!) * 60 + seconds!) * 1_000;
  return Math.max(0, instant - wallTime);
}

/** By Howard Hinnant's `days_from_civil`; the year begins in March, so that the leap day is its last. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const shifted = (month + 10) % 12;
  const y = shifted >= 10 ? year - 1 : year;
  const leapDays = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return y * 365 + leapDays + Math.floor((153 * shifted + 2) / 5) + day - 1 - 719_468;
}
