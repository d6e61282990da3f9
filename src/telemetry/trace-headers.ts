/** The W3C headers by which a trace travels. */
export interface TraceHeaders {
  readonly traceparent?: string;
  readonly tracestate?: string;
  readonly baggage?: string;
}

/** Headers as an inbound request has them: `req.headers` of Node, or any object by lower-case name. */
export type InboundHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-[\x21-\x7e]{0,400})?$/;
const UNPRINTABLE = /[^\t\x20-\x7e]/;
const LONGEST_INPUT = 65_536;

/** https://www.w3.org/TR/trace-context-1/#tracestate-limits */
const TRACESTATE = { bytes: 512, members: 32, longMember: 128 };
/** https://www.w3.org/TR/baggage/#limits */
const BAGGAGE = { bytes: 8_192, members: 64, longMember: Infinity };

/**
 * What of an inbound trace may travel on: unchanged where it is well formed and within the limits of W3C. A malformed
 * `traceparent` (also two of them folded into one) is left out together with its `tracestate`, as the standard says;
 * what is too long loses whole members.
 */
export function traceHeadersOf(inbound: InboundHeaders): TraceHeaders {
  const traceparent = single(inbound['traceparent']);
  const tracestate = joined(inbound['tracestate']);
  const baggage = joined(inbound['baggage']);
  const known = traceparent !== undefined && isTraceparent(traceparent);
  return {
    ...(known ? { traceparent } : {}),
    ...(known && tracestate !== undefined ? { tracestate: trim(tracestate, TRACESTATE) } : {}),
    ...(baggage === undefined ? {} : { baggage: trim(baggage, BAGGAGE) }),
  };
}

/** `baggage` within the limits of W3C, the first entries kept. */
export function trimBaggage(baggage: string): string {
  return trim(baggage, BAGGAGE);
}

/** `tracestate` within the limits of W3C, the first members kept, those over 128 characters given up first. */
export function trimTracestate(tracestate: string): string {
  return trim(tracestate, TRACESTATE);
}

function isTraceparent(value: string): boolean {
  return TRACEPARENT.test(value) && (value.length === 55 || !value.startsWith('00-'));
}

function single(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.length === 1 ? value[0] : undefined;
}

function joined(value: string | readonly string[] | undefined): string | undefined {
  const text = typeof value === 'string' ? value : value?.join(',');
  return text === undefined || text === '' || text.length > LONGEST_INPUT || UNPRINTABLE.test(text) ? undefined : text;
}

function trim(list: string, limit: { bytes: number; members: number; longMember: number }): string {
  // The shortest member is `k=v`: with fewer characters neither limit can be passed.
  if (list.length <= limit.bytes && list.length < limit.members * 4) return list;
  const members = list.split(',');
  if (list.length <= limit.bytes && members.length <= limit.members) return list;
  let kept = members.map((member) => member.trim()).filter((member) => member !== '');
  if (!fits(kept, limit)) kept = kept.filter((member) => member.length <= limit.longMember);
  let size = -1;
  let count = 0;
  for (const member of kept) {
    size += member.length + 1;
    if (size > limit.bytes || count === limit.members) break;
    count++;
  }
  return kept.slice(0, count).join(',');
}

function fits(members: readonly string[], limit: { bytes: number; members: number }): boolean {
  return members.length <= limit.members && members.join(',').length <= limit.bytes;
}
