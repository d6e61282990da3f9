/**
 * # Passive health: outlier ejection
 *
 * One endpoint of many goes bad: its host is gone, its disk is full, its last deploy broke it. Discovery learns of that
 * late or never; the requests learn it at once. So each attempt's outcome is counted for its endpoint, and an endpoint
 * that stands out is left out for a while: after `consecutive` failures in a row (Finagle, Envoy), or when it succeeds
 * less often than `successRate` within the `window` (Linkerd).
 *
 * The mistake to avoid is to eject for a fault that all share: a database behind all of them is down, half of them are
 * ejected, and the other half drowns. Envoy's consecutive-5xx and most clients do so. Here an endpoint must be worse than
 * its siblings: a streak counts only if those who answer well do so, in the window, too often for it to be chance, and a success rate
 * only if it is lower than theirs together by a margin and beyond statistical doubt. If all fail alike nobody is ejected;
 * that is for the breaker, which stops calling the service.
 *
 * What is ejected returns by itself: when its time has run out one live attempt, and only one, is sent to see how it is;
 * the time doubles with each failure, halves with each healthy window, and is cut by up to half at random. Attempts from
 * before the ejection are not heard, and what is nobody's fault but ours or the caller's counts for nothing.
 * Never the only endpoint, at most half of them (but one of two), and below `panic` healthy ones ejections are ignored.
 *
 * The trade-off: decisions are taken at each failure and from a few numbers, where Envoy compares all endpoints at
 * intervals. So they come at once, in a burst as in a trickle, but the siblings' success rate is their mean: where most
 * endpoints fail often, though not always, the few good ones do not stand out enough to have the others ejected.
 *
 * @module
 */
export { type HealthPass, OutlierDetector } from './detector.ts';
export { outlierLayer } from './layer.ts';
export type { OutlierOptions, OutlierSettings } from './options.ts';
