import { AsyncLocalStorage } from 'node:async_hooks';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { isMeshError } from '../../src/core/errors.ts';
import type { Criticality } from '../../src/model/context.ts';
import { context, deadlineOn } from '../../src/telemetry/index.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

const run = promisify(execFile);
const source = new URL('../../src/telemetry/index.ts', import.meta.url).href;

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] }));
afterEach(() => void vi.useRealTimers());

test('outside of any context nothing is limited', () => {
  expect(context.deadline()).toBeUndefined();
  expect(context.remaining()).toBe(Infinity);
  expect(context.criticality()).toBe('default');
  expect(context.current()).toBeUndefined();
});

test('a deadline is an instant on the monotonic clock, and what remains of it shrinks to nothing', () => {
  context.run({ deadline: '300ms', criticality: 'critical' }, () => {
    expect(context.deadline()).toBe(performance.now() + 300);
    expect(context.criticality()).toBe('critical');
    vi.advanceTimersByTime(100);
    expect(context.remaining()).toBe(200);
    vi.advanceTimersByTime(1_000);
    expect(context.remaining()).toBe(0);
  });
  expect(context.deadline()).toBeUndefined();
});

test('a nested context can shorten the deadline and never lengthen it', () => {
  context.run({ deadline: 300 }, () => {
    expect(context.run({ deadline: '100ms' }, () => context.remaining())).toBe(100);
    expect(context.run({ deadline: '1h' }, () => context.remaining())).toBe(300);
    expect(context.run({}, () => context.remaining())).toBe(300);
    expect(context.remaining(), 'and outside of it nothing changed').toBe(300);
  });
});

test('a nested context keeps what it says nothing of', () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  context.run({ criticality: 'sheddable', headers: { traceparent } }, () => {
    context.run({ deadline: 5 }, () => {
      expect(context.criticality()).toBe('sheddable');
      expect(context.current()?.trace).toEqual({ traceparent });
      expect(
        context.run({ headers: {} }, () => context.current()?.trace),
        'new headers, new trace',
      ).toEqual({});
      expect(context.run({ criticality: 'critical' }, () => context.criticality())).toBe('critical');
    });
  });
});

test('the context follows promises and timers, and two at once stay apart', async () => {
  const within = (deadline: number): Promise<number | undefined> =>
    context.run({ deadline }, async () => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return context.deadline();
    });
  const start = performance.now();
  const both = Promise.all([within(100), within(200)]);
  await vi.advanceTimersByTimeAsync(10);
  expect(await both).toEqual([start + 100, start + 200]);
});

test('what the task returns or throws comes out', () => {
  expect(context.run({}, () => 7)).toBe(7);
  expect(() => context.run({}, () => expect.fail('as it was'))).toThrow('as it was');
});

test.each([-1, NaN, Infinity, '5 s', '5', '', null])(
  'a deadline of %o is refused, and the task not run',
  (deadline) => {
    const task = vi.fn<() => void>();
    const attempt = (): void => context.run({ deadline: deadline as number }, task);
    expect(attempt).toThrow(expect.objectContaining({ code: 'INMESH_REQUEST_INVALID' }) as Error);
    expect(attempt).toThrow(/deadline is .*give milliseconds/);
    expect(task).not.toHaveBeenCalled();
  },
);

test.each(['high', '__proto__', 1, null])('a criticality of %o is refused', (criticality) => {
  let error: unknown;
  try {
    context.run({ criticality: criticality as Criticality }, () => {});
  } catch (thrown) {
    error = thrown;
  }
  expect(isMeshError(error, 'INMESH_REQUEST_INVALID')).toBe(true);
});

test('a deadline of no time at all is one that has passed', () => {
  expect(context.run({ deadline: 0 }, () => context.remaining())).toBe(0);
});

test('on another clock a deadline is what remains of it there', async () => {
  const clock = new ManualClock(5_000);
  context.run({ deadline: 300 }, () => {
    const state = context.current()!;
    expect(deadlineOn(clock, state)).toBe(5_300);
    expect(deadlineOn(systemClock, state)).toBe(state.deadline);
  });
  context.run({}, () => expect(deadlineOn(clock, context.current()!)).toBe(Infinity));
});

test('two copies of the package share one context', async () => {
  const copy = (await import(`${source.replace('index.ts', 'context.ts')}?copy`)) as { context: typeof context };
  expect(copy.context).not.toBe(context);
  context.run({ deadline: 300 }, () => {
    expect(copy.context.remaining()).toBe(300);
    copy.context.run({ deadline: 100, criticality: 'critical' }, () => {
      expect(context.remaining()).toBe(100);
      expect(context.criticality()).toBe('critical');
    });
  });
});

test('a version whose contexts have another shape keeps its own storage, and neither reads the other', () => {
  const other = new AsyncLocalStorage<unknown>();
  Object.defineProperty(globalThis, Symbol.for('inmesh.context.0'), { value: other, configurable: true });
  other.run({ deadline: 'soon' }, () => expect(context.current()).toBeUndefined());
});

test('importing and reading leaves no trace in the process until a context is run', async () => {
  const script = `
    import { context } from ${JSON.stringify(source)};
    const used = () => Symbol.for('inmesh.context.1') in globalThis;
    context.remaining(); context.criticality();
    const before = used();
    context.run({}, () => {});
    console.log(before, used(), Object.keys(globalThis).some((key) => key.includes('inmesh')));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script]);
  expect(stdout.trim()).toBe('false true false');
});

test('a worker thread has contexts of its own', async () => {
  vi.useRealTimers();
  const script = `
    import { parentPort } from 'node:worker_threads';
    const { context } = await import(${JSON.stringify(source)});
    const outside = context.current();
    parentPort.postMessage([outside, context.run({ deadline: '1h' }, () => context.remaining() > 0)]);`;
  const message = await context.run({ deadline: '1s' }, () => {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`));
    return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  });
  expect(message).toEqual([undefined, true]);
});
