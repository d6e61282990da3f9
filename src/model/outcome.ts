import { type MeshError, meshErrorOf } from '../core/errors.ts';

/** How an exchange ended: what health, balancing, budgets and telemetry learn from. */
export type Outcome =
  | {
      /** `ignored`: nobody's fault but ours or the caller's; nothing is learnt of the endpoint. */
      readonly kind: 'success' | 'ignored';
      /** From the attempt's start to its head, or to its end where none came; milliseconds. */
      readonly latency: number;
      /** When it ended, on the monotonic clock, ms; who finds none asks the clock. */
      readonly at?: number | undefined;
      readonly status?: number;
    }
  | {
      readonly kind: 'failure';
      readonly latency: number;
      readonly at?: number | undefined;
      readonly status?: number;
      /** Whether another attempt may mend it, as far as the answer alone tells: the method decides too. */
      readonly retryable: boolean;
      readonly cause: unknown;
    };

/** Statuses with which an endpoint says that it, rather than the request, is at fault. 501 and 505 are about the request. */
export function isServerFault(status: number): boolean {
  return status >= 500 && status !== 501 && status !== 505;
}

/** Statuses that say that the endpoint is unreachable, overloaded or leaving: gateway errors. Another may do better. */
export function isGatewayFault(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}

/** What a head alone tells of its endpoint. */
export function outcomeOfStatus(status: number, latency: number, at?: number): Outcome {
  if (!isServerFault(status)) return { kind: 'success', latency, at, status };
  return { kind: 'failure', latency, at, status, retryable: isGatewayFault(status), cause: undefined };
}

/** What an error tells of the endpoint: only what the endpoint is to blame for counts against it. */
export function outcomeOfError(error: unknown, latency: number, at?: number): Outcome {
  const cause: MeshError | undefined = meshErrorOf(error);
  if (cause === undefined || cause.blame !== 'endpoint' || cause.excused) return { kind: 'ignored', latency, at };
  return { kind: 'failure', latency, at, retryable: true, cause };
}
