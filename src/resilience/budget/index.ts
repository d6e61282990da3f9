/**
 * A retry mends a failure that is one endpoint's, and doubles the load of a service that fails as a whole. Counting
 * tries per call cannot tell the two apart: at 100 % failures, three tries are three times the work, when it hurts most
 * (M. Brooker, "Fixing retries with token buckets and circuit breakers", 2022; Huang and others, "Metastable failures
 * in the wild", OSDI 2022). So retries are paid from a budget that belongs to the service and grows with what it answers.
 *
 * Finagle and Linkerd deposit for every request and save up in a bucket; then the first seconds of an outage spend what
 * ten good seconds have saved, and all through the outage a fifth is retried in vain. Here only first attempts that
 * were answered deposit, and both sides are counted over a sliding window instead of saved. The price: at failure
 * rates above a sixth or so, fewer retries than Finagle's. Nothing mends those by retrying.
 *
 * The floor of Finagle (10 per second) doubles the traffic of a service at 10 requests per second; ours is 1.
 *
 * @module
 */
export { RetryBudget, type RetryBudgetSnapshot } from './budget.ts';
export type { RetryBudgetOptions, RetryBudgetSettings } from './options.ts';
