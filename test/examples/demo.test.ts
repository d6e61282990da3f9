import { EventEmitter } from 'node:events';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { quantile } from '../../examples/demo/measure.ts';
import { openScreen } from '../../examples/demo/screen.ts';
import { type Result, summary } from '../../examples/demo/summary.ts';
import { type Row, table } from '../../examples/demo/table.ts';
import { run } from './run.ts';

const figures = { rate: 37.4, inFlight: 2, p50: 20.1, p99: 308, success: 0.9996 };
const row: Row = {
  name: 'orders-1',
  heading: false,
  plain: { ...figures, success: NaN },
  mesh: figures,
  share: 0.25,
  state: 'ejected: 5 failures in a row: No connection to orders at 127.0.0.1:46369',
  statePaint: 'red',
};

const lines = (rows: readonly Row[], width: number): string[] => table(rows, width).map(stripVTControlCharacters);

describe("the demo's table", () => {
  it.each([80, 89, 90, 107, 108, 120])('keeps to %i columns', (width) => {
    expect(Math.max(...lines([row], width).map((line) => line.length))).toBeLessThanOrEqual(width);
  });

  it('keeps both sides under their headings, whatever a line has to show', () => {
    const rows = [row, { ...row, plain: undefined }, { ...row, mesh: undefined }, { ...row, heading: true }];
    const bars = lines(rows, 100).map((line) => line.indexOf('│'));
    expect(new Set(bars).size).toBe(1);
  });

  it('never rounds up to 100%', () => {
    expect(lines([row], 110).at(-1)).toContain(' 99.9%');
  });
});

describe("the demo's summary", () => {
  const good: Result = { requests: 4_500, failures: 9, p50: 20, p99: 50, p999: 99, max: 334 };
  const bad: Result = { ...good, failures: 900, p99: 250 };
  const told = (mesh: Result, plain: Result): string => summary(mesh, plain).join('\n');

  it('says what the figures say', () => {
    expect(told(good, bad)).toContain('Without the mesh 100 times as many requests failed: 900 against 9.');
    expect(told(good, bad)).toContain('Without the mesh p99 was 5.0 times as high: 250 ms against 50 ms.');
    expect(told({ ...good, failures: 0 }, bad)).toContain('Without the mesh 900 requests failed, with it none.');
  });

  it('says so where the mesh did worse', () => {
    expect(told(bad, good)).toContain('With the mesh 100 times as many requests failed: 900 against 9.');
    expect(told(bad, good)).toContain('With the mesh p99 was 5.0 times as high: 250 ms against 50 ms.');
    expect(told(bad, { ...good, failures: 0 })).toContain('With the mesh 900 requests failed, without it none.');
  });

  it('claims no difference where there is none', () => {
    expect(told(good, good)).toContain('As many requests failed with the mesh as without it: 9.');
    expect(told(good, good)).toContain('p99 was about the same with the mesh and without it: 50 ms against 50 ms.');
  });

  it('fits into 80 columns', () => {
    const longest = summary(good, { ...bad, requests: 18_000, failures: 13_435 }, 1_200).map(stripVTControlCharacters);
    expect(Math.max(...longest.map(({ length }) => length))).toBeLessThanOrEqual(80);
  });

  it('says so where the machine itself was late', () => {
    expect(told(good, bad)).not.toContain('ms late');
    expect(summary(good, bad, 120).join('\n')).toContain('some requests left 120 ms late');
  });

  it('takes percentiles by nearest rank', () => {
    const sorted = Array.from({ length: 1_000 }, (_, index) => index + 1);
    expect([0.5, 0.99, 0.999, 1].map((share) => quantile(sorted, share))).toEqual([500, 990, 999, 1_000]);
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe("the demo's screen", () => {
  class FakeTerminal extends EventEmitter {
    readonly isTTY = true;
    columns = 100;
    rows = 10;
    written: string[] = [];
    write(text: string): boolean {
      this.written.push(text);
      return true;
    }
  }

  it('redraws over the frame before, in one write, and never more lines than the terminal has', () => {
    const terminal = new FakeTerminal();
    const screen = openScreen(terminal as unknown as NodeJS.WriteStream, 1_000);
    for (let at = 0; at < 20; at++) screen.event({ at, kind: 'mesh', text: 'x'.repeat(200) });
    screen.draw(['a', 'b', 'c']);
    screen.draw(['a', 'b', 'c']);
    const [, first, second] = terminal.written as [string, string, string];
    const height = first.split('\n').length - 1;
    expect(height).toBeLessThan(terminal.rows);
    expect(second).toContain(`\x1b[${height}F`);
    expect(
      Math.max(
        ...stripVTControlCharacters(second)
          .split('\n')
          .map(({ length }) => length),
      ),
    ).toBeLessThanOrEqual(100);
    screen.end([]);
    expect(terminal.written.at(-1)).toBe('\x1b[?25h');
  });
});

describe('the demo, piped', { timeout: 60_000 }, () => {
  it('prints blocks and events without escape codes, and leaves no process behind on Ctrl-C', async () => {
    const interrupt = { after: 'orders-2 killed', signal: 'SIGINT' } as const;
    const { code, stdout, stderr } = await run('examples/demo/main.ts', ['--quick', '--rate', '20'], interrupt);
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
    expect(stdout).not.toContain('\x1b');
    expect(stdout).toMatch(/^ +2\.\d s {2}▸ orders-2 killed \(SIGKILL\)$/m);
    expect(stdout).toMatch(/^ {3}orders-1 +\d+ +\d+ .+│ .+ healthy$/m);
    expect(stdout).toMatch(/^ inmesh +\d+ +\d+ +\d+\.\d{3}%/m);
  });

  it('leaves no process behind where it is killed itself', async () => {
    const interrupt = { after: 'backends in processes', signal: 'SIGKILL' } as const;
    const { code } = await run('examples/demo/main.ts', ['--quick', '--rate', '20'], interrupt);
    expect(code).toBeNull();
  });
});
