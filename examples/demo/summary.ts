/** What came out, side by side, and what it says: every number and every word from the figures. */
import { styleText } from 'node:util';
import { quantile } from './measure.ts';
import type { Side } from './sides.ts';

export interface Result {
  readonly requests: number;
  readonly failures: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Everything that one side's callers saw, from the first request to the last. */
export function resultOf(side: Side, services: readonly string[]): Result {
  const series = services.map((service) => side.services.of(service));
  const sorted = series.flatMap(({ latencies }) => latencies).sort((a, b) => a - b);
  return {
    requests: sorted.length,
    failures: series.reduce((sum, { failures }) => sum + failures, 0),
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    p999: quantile(sorted, 0.999),
    max: quantile(sorted, 1),
  };
}

/** The share of requests that were answered well; of none, all. */
export const successOf = ({ requests, failures }: Result): number => 1 - failures / Math.max(1, requests);

const WIDTHS = [9, 8, 9, 8, 8, 8, 8];

/** Above this, the machine's own lateness in sending is worth a word, ms. */
const LATE = 100;

/** The closing lines. `late`: by how much the machine was late at worst in sending a request, ms. */
export function summary(mesh: Result, plain: Result, late = 0): string[] {
  const head = ['', 'requests', 'failed', 'success', 'p50', 'p99', 'p99.9', 'max ms'];
  const line = (name: string, result: Result): string[] => [
    name,
    count(result.requests),
    count(result.failures),
    `${(Math.floor(successOf(result) * 100_000) / 1_000).toFixed(3)}%`,
    ...[result.p50, result.p99, result.p999, result.max].map((value) => value.toFixed(0)),
  ];
  const print = (cells: readonly string[]): string =>
    cells.map((cell, index) => (index === 0 ? ` ${cell.padEnd(19)}` : cell.padStart(WIDTHS[index - 1]!))).join('');
  return [
    styleText('dim', print(head)),
    print(line('fetch, round robin', plain)),
    styleText('bold', print(line('inmesh', mesh))),
    '',
    ` ${failuresCompared(mesh.failures, plain.failures)}`,
    ` ${latencyCompared(mesh.p99, plain.p99)}`,
    '',
    ...notes(late).map((note) => styleText('dim', ` ${note}`)),
  ];
}

function notes(late: number): string[] {
  const fair = [
    'Both sides sent the same requests at the same instants from one process to the',
    'same backends, and met the same faults. Latency counts from the instant at',
    'which a request was meant to leave, failures and waits included.',
  ];
  if (late < LATE) return fair;
  return [...fair, `This machine was busy: some requests left ${late.toFixed(0)} ms late, on both sides.`];
}

function failuresCompared(mesh: number, plain: number): string {
  const [more, fewer] = [Math.max(mesh, plain), Math.min(mesh, plain)];
  if (more === fewer) return `As many requests failed with the mesh as without it: ${count(more)}.`;
  const side = mesh > plain ? 'With' : 'Without';
  if (fewer === 0)
    return `${side} the mesh ${count(more)} requests failed, ${mesh > plain ? 'without' : 'with'} it none.`;
  return `${side} the mesh ${times(more / fewer)} as many requests failed: ${count(more)} against ${count(fewer)}.`;
}

function latencyCompared(mesh: number, plain: number): string {
  const [longer, shorter] = [Math.max(mesh, plain), Math.min(mesh, plain)];
  const figures = `${longer.toFixed(0)} ms against ${shorter.toFixed(0)} ms`;
  if (!(longer >= shorter * 1.1)) return `p99 was about the same with the mesh and without it: ${figures}.`;
  return `${mesh > plain ? 'With' : 'Without'} the mesh p99 was ${times(longer / shorter)} as high: ${figures}.`;
}

const times = (ratio: number): string => `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(1)} times`;
const count = (value: number): string => value.toLocaleString('en-US');
