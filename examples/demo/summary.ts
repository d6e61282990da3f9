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

/** Above this, the machine's own lateness in sending is worth a word, ms. */
const LATE = 50;

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
    cells.map((cell, index) => (index === 0 ? ` ${cell.padEnd(20)}` : cell.padStart(9))).join('');
  return [
    styleText('dim', print(head)),
    print(line('fetch, round robin', plain)),
    styleText('bold', print(line('inmesh', mesh))),
    '',
    ` ${failuresCompared(mesh, plain)}`,
    ` ${latencyCompared(mesh, plain)}`,
    '',
    ...notes(late).map((note) => styleText('dim', ` ${note}`)),
  ];
}

function notes(late: number): string[] {
  const fair = [
    'Both sides sent the same requests at the same instants from one process to the same backends, and met the',
    'same faults. Latency counts from the instant a request was meant to leave; failures and waits included.',
  ];
  if (late < LATE) return fair;
  return [
    ...fair,
    `This machine was busy: some requests left up to ${late.toFixed(0)} ms late, which counts against both.`,
  ];
}

function failuresCompared(mesh: Result, plain: Result): string {
  const [ours, theirs] = [count(mesh.failures), count(plain.failures)];
  if (mesh.failures === plain.failures) return `Through the mesh as many requests failed as without it: ${ours}.`;
  const counts = `${ours} of ${count(mesh.requests)} requests failed through the mesh, ${theirs} of ${count(plain.requests)} without it`;
  if (mesh.failures === 0 || plain.failures === 0) return `${counts}.`;
  const better = mesh.failures < plain.failures;
  const ratio = better ? plain.failures / mesh.failures : mesh.failures / plain.failures;
  return `${counts}: ${times(ratio)} ${better ? 'fewer' : 'more'}.`;
}

function latencyCompared(mesh: Result, plain: Result): string {
  const [ours, theirs] = [`${mesh.p99.toFixed(0)} ms`, `${plain.p99.toFixed(0)} ms`];
  const figures = `The slowest 1% took more than ${ours} through the mesh, and more than ${theirs} without it`;
  const ratio = plain.p99 / mesh.p99;
  if (ratio >= 1.1) return `${figures}: ${times(ratio)} as long.`;
  return ratio <= 1 / 1.1 ? `${figures}: the mesh was ${times(1 / ratio)} slower.` : `${figures}: about the same.`;
}

const times = (ratio: number): string => `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(1)} times`;
const count = (value: number): string => value.toLocaleString('en-US');
