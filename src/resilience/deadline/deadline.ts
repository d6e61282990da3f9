import { formatDuration } from '../../core/duration.ts';
import type { Env } from '../../core/env.ts';
import { MeshError } from '../../core/errors.ts';
import type { Call } from '../../model/call.ts';
import type { Layer } from '../../model/service.ts';

/** What `deadlineLayer` needs. */
export interface DeadlineSettings {
  /** How long a call may take from its start to the end of its body, ms; Infinity: as long as its caller lets it. */
  readonly deadline: number;
  readonly env: Pick<Env, 'timers'>;
}

/**
 * Gives a call its last instant: the service's own deadline or what the caller has left, whichever is sooner.
 * It covers discovery, queueing, connecting, every attempt and the body. The call's own signal waits in the timer
 * wheel; whoever made the call takes it out when the body has ended.
 *
 * Rejects with `INMESH_DEADLINE_EXCEEDED`, at once where the caller had nothing left.
 */
export function deadlineLayer({ deadline, env }: DeadlineSettings): Layer {
  // All calls of a layer are to one service, so those that keep its own deadline expire with the same words.
  let expiry: (() => MeshError) | undefined;
  return (next) => (call) => {
    const { start, service, signal } = call;
    const own = start + deadline;
    if (own <= call.deadline) {
      if (own === Infinity) return next(call);
      signal.expireWith((expiry ??= () => exceeded(service, deadline)));
      env.timers.add(signal, own);
      return next({ ...call, deadline: own });
    }
    const left = call.deadline - start;
    if (left <= 0) return Promise.reject(nothingLeft(call));
    signal.expireWith(() => exceededInherited(service, left));
    env.timers.add(signal, call.deadline);
    return next(call);
  };
}

function exceeded(service: string, deadline: number): MeshError {
  const message = `${service} did not answer in full within its deadline of ${formatDuration(deadline)}; raise the service's deadline if that is how long it takes`;
  return new MeshError('INMESH_DEADLINE_EXCEEDED', message, { service });
}

function exceededInherited(service: string, left: number): MeshError {
  const message = `${service} did not answer in full within the ${formatDuration(left)} that its caller had left; raise the caller's deadline, or call earlier`;
  return new MeshError('INMESH_DEADLINE_EXCEEDED', message, { service });
}

function nothingLeft(call: Call): MeshError {
  const message = `The deadline had passed before ${call.service} was called, so nothing was sent; raise the caller's deadline, or call earlier`;
  return new MeshError('INMESH_DEADLINE_EXCEEDED', message, { service: call.service, sent: false });
}
