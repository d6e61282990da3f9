/**
 * Which endpoint an attempt goes to.
 *
 * The problem: endpoints differ in speed, and over time each differs from itself; a client sees only its own share of the
 * traffic; and the obvious measures lie. The fastest endpoint may be the one that fails at once, the one with nothing in
 * flight may be new and cold, or a black hole whose victims have all given up, and the one best for me is best for
 * every other client too.
 *
 * The choice: power of two choices over latency times what is in flight (Finagle's P2C with peak EWMA, which Linkerd
 * uses too), where failures raise the cost, what was given up on counts for as long as it was waited for, and what is new gets
 * one attempt until it has answered. It needs no coordination, costs the same for ten endpoints and ten thousand, and
 * does not herd. The trade-off: of ever so many endpoints only two are looked at, so a bad one is still picked when two bad
 * ones are drawn; and latency is no measure where requests differ greatly in kind: least request serves there.
 *
 * What is learnt lives on the endpoint, not in the picker. A picker is an immutable view over a set of endpoints, made
 * anew at every change of the set, and what it picks reports back by `done`.
 */
export { newPicker } from './new-picker.ts';
export { Pick, Siblings } from './pick.ts';
export type { Attempt, BalancerPolicy, Picker } from './picker.ts';
