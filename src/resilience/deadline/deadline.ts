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
  return (next) => (call) => {
    const own = call.start + deadline;
    const due = Math.min(own, call.deadline);
    if (due === Infinity) return next(call);
    if (due <= call.start) return Promise.reject(nothingLeft(call));
    call.signal.expireWith(() => exceeded(call, due, own <= call.deadline));
    env.timers.add(call.signal, due);
    return next(due === call.deadline ? call : { ...call, deadline: due });
  };
}

function exceeded(call: Call, due: number, own: boolean): MeshError {
  const allowed = formatDuration(due - call.start);
  const message = own
    ? `${call.service} did not answer in full within its deadline of ${allowed}; raise the service's deadline if that is how long it takes`
    : `${call.service} did not answer in full within the ${allowed} that its caller had left; raise the caller's deadline, or call earlier`;
  return new MeshError('INMESH_DEADLINE_EXCEEDED', message, { service: call.service });
}

function nothingLeft(call: Call): MeshError {
  const message = `The deadline had passed before ${call.service} was called, so nothing was sent; raise the caller's deadline, or call earlier`;
  return new MeshError('INMESH_DEADLINE_EXCEEDED', message, { service: call.service, sent: false });
}
