import { describe, expect, it } from 'vitest';
import { createEnv, type Env } from '../../src/core/env.ts';
import { type MeshError, meshErrorOf } from '../../src/core/errors.ts';
import { silentLogger } from '../../src/core/log.ts';
import type { Call } from '../../src/model/call.ts';
import { outcomeOfError } from '../../src/model/outcome.ts';
import type { Service } from '../../src/model/service.ts';
import { deadlineLayer } from '../../src/resilience/deadline/index.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { fakeCall, FakeExchange } from '../kit/fakes.ts';

interface World {
  readonly clock: ManualClock;
  readonly env: Env;
  readonly seen: Call[];
  readonly call: (given?: Partial<Call>) => Call;
}

function world(): World {
  const clock = new ManualClock();
  const env = createEnv({ clock, log: silentLogger });
  return { clock, env, seen: [], call: (given = {}) => fakeCall({ start: clock.now(), ...given }) };
}

/** Answers nothing until its call is given up, as a black hole behind the leaf does. */
function blackHole(seen: Call[]): Service {
  return (call) => {
    seen.push(call);
    return new Promise((_, reject) => call.signal.listen({ onAbort: reject }));
  };
}

/** Answers 200 after `delay`. */
function slow({ clock, seen }: World, delay: number): Service {
  return (call) => {
    seen.push(call);
    return new Promise((resolve, reject) => {
      clock.schedule(delay, () => resolve(new FakeExchange(200)));
      call.signal.listen({ onAbort: reject });
    });
  };
}

/** Follows a promise without waiting for it. */
function follow<T>(promise: Promise<T>): { value?: T; error?: MeshError } {
  const state: { value?: T; error?: MeshError } = {};
  promise.then(
    (value) => (state.value = value),
    (error: unknown) => (state.error = meshErrorOf(error) as MeshError),
  );
  return state;
}

describe('deadlineLayer', () => {
  it('hands on the instant by which the answer must be in', () => {
    const w = world();
    void deadlineLayer({ deadline: 10_000, env: w.env })(blackHole(w.seen))(w.call()).catch(() => {});
    expect(w.seen[0]!.deadline).toBe(11_000);
  });

  it('never extends what the caller has left', () => {
    const w = world();
    void deadlineLayer({ deadline: 10_000, env: w.env })(blackHole(w.seen))(w.call({ deadline: 1_250 })).catch(
      () => {},
    );
    expect(w.seen[0]!.deadline).toBe(1_250);
  });

  it('ends the call when its own deadline passes, naming service, time and remedy, and blaming no endpoint', async () => {
    const w = world();
    const result = follow(deadlineLayer({ deadline: 10_000, env: w.env })(blackHole(w.seen))(w.call()));
    await w.clock.advance(9_999);
    expect(result.error).toBeUndefined();
    await w.clock.advance(1);
    expect(result.error).toMatchObject({ code: 'INMESH_DEADLINE_EXCEEDED', service: 'orders', statusCode: 504 });
    expect(result.error!.message).toMatch(/orders .*deadline of 10s; raise/);
    expect(outcomeOfError(result.error, 10_000).kind).toBe('ignored');
  });

  it('says that it was the caller who had no more time', async () => {
    const w = world();
    const result = follow(
      deadlineLayer({ deadline: 10_000, env: w.env })(blackHole(w.seen))(w.call({ deadline: 1_250 })),
    );
    await w.clock.advance(250);
    expect(result.error!.message).toContain('within the 250ms that its caller had left');
  });

  it('sends nothing where the deadline has passed already', async () => {
    const w = world();
    const result = follow(
      deadlineLayer({ deadline: 10_000, env: w.env })(blackHole(w.seen))(w.call({ deadline: 900 })),
    );
    await w.clock.advance(0);
    expect(result.error).toMatchObject({ code: 'INMESH_DEADLINE_EXCEEDED', sent: false });
    expect(w.seen).toHaveLength(0);
    expect(w.env.timers.size).toBe(0);
  });

  it('still runs after the head, until the call is taken out of the wheel', async () => {
    const w = world();
    const call = w.call();
    const result = follow(deadlineLayer({ deadline: 10_000, env: w.env })(slow(w, 100))(call));
    await w.clock.advance(100);
    expect(result.value!.statusCode).toBe(200);
    expect(w.env.timers.size).toBe(1);
    await w.clock.advance(9_900);
    expect(call.signal.aborted).toBe(true);
  });

  it('arms nothing where there is no deadline at all', () => {
    const w = world();
    void deadlineLayer({ deadline: Infinity, env: w.env })(blackHole(w.seen))(w.call()).catch(() => {});
    expect(w.env.timers.size).toBe(0);
  });
});
