/** The live table: one line a service and one a backend, plain fetch on the left, the mesh on the right. */
import { styleText } from 'node:util';
import type { Figures } from './measure.ts';

export type Paint = Parameters<typeof styleText>[0];

export interface Row {
  readonly name: string;
  /** Whether it is a service's line: above those of its backends. */
  readonly heading: boolean;
  readonly plain: Figures | undefined;
  readonly mesh: Figures | undefined;
  /** Of the service's traffic through the mesh, 0 to 1. */
  readonly share: number;
  readonly state: string;
  readonly statePaint: Paint;
}

interface Cell {
  readonly text: string;
  readonly paint?: Paint;
}

interface Column {
  readonly title: string;
  /** Right-aligned, or left-aligned where it is negative. */
  readonly width: number;
  /** Left out where the table is narrower than this. */
  readonly from?: number;
  readonly cell: (row: Row) => Cell;
}

const SLOW = 100;
const BLOCKS = ' ▏▎▍▌▋▊▉█';
const BAR = 8;

/** The table's lines, at most `width` columns wide, if that is no less than 80. */
export function table(rows: readonly Row[], width: number): string[] {
  const shown = COLUMNS.filter(({ from = 0 }) => width >= from);
  const line = (cellOf: (column: Column) => Cell): string =>
    shown.map((column) => paint(cellOf(column), column.width)).join('');
  const divider = shown.findIndex(({ title }) => title === '│');
  const room = width - widthOf(shown) - 2;
  const sides = `${' '.repeat(NAME)}${'  fetch, round robin'.padEnd(widthOf(shown.slice(1, divider)))}  │   inmesh`;
  return [
    styleText('dim', sides),
    styleText('dim', `${line(({ title }) => ({ text: title }))}  state`),
    ...rows.map((row) => {
      const state = row.state.length > room ? `${row.state.slice(0, room - 1)}…` : row.state;
      return `${line((column) => column.cell(row))}  ${styleText(row.statePaint, state)}`;
    }),
  ];
}

const widthOf = (columns: readonly Column[]): number => columns.reduce((sum, { width }) => sum + Math.abs(width), 0);

const NAME = 11;

function figures(of: (row: Row) => Figures | undefined, inFlightFrom: number): Column[] {
  const cell = (show: (figures: Figures) => Cell) => (row: Row) => {
    const known = of(row);
    return known === undefined ? { text: '' } : show(known);
  };
  return [
    { title: 'rps', width: 5, cell: cell(({ rate }) => ({ text: rate.toFixed(0) })) },
    { title: 'in fl', width: 6, from: inFlightFrom, cell: cell(({ inFlight }) => ({ text: String(inFlight) })) },
    { title: 'p50', width: 5, cell: cell(({ p50 }) => milliseconds(p50)) },
    { title: 'p99 ms', width: 7, cell: cell(({ p99 }) => milliseconds(p99)) },
    { title: 'success', width: 8, cell: cell(({ success }) => percent(success)) },
  ];
}

const COLUMNS: readonly Column[] = [
  {
    title: '',
    width: -NAME,
    cell: ({ name, heading }) => (heading ? { text: ` ${name}`, paint: 'bold' } : { text: `   ${name}` }),
  },
  ...figures(({ plain }) => plain, 108),
  { title: '│', width: 3, cell: () => ({ text: '│', paint: 'dim' }) },
  ...figures(({ mesh }) => mesh, 0),
  {
    title: '  share',
    width: -(BAR + 2),
    from: 90,
    cell: ({ heading, mesh, share }) => ({
      text: heading || mesh === undefined ? '' : `  ${bar(share)}`,
      paint: 'cyan',
    }),
  },
];

function paint({ text, paint: style }: Cell, width: number): string {
  const padded = width < 0 ? text.padEnd(-width) : text.padStart(width);
  return style === undefined ? padded : styleText(style, padded);
}

function milliseconds(value: number): Cell {
  if (Number.isNaN(value)) return { text: '–', paint: 'dim' };
  const text = value.toFixed(0);
  return value >= SLOW ? { text, paint: 'yellow' } : { text };
}

function percent(value: number): Cell {
  if (Number.isNaN(value)) return { text: '–', paint: 'dim' };
  const text = `${(Math.floor(value * 1_000) / 10).toFixed(1)}%`;
  if (value >= 0.999) return { text };
  return { text, paint: value >= 0.95 ? 'yellow' : 'red' };
}

function bar(share: number): string {
  const eighths = Math.round(Math.min(1, share) * BAR * 8);
  return '█'.repeat(Math.floor(eighths / 8)) + (eighths % 8 === 0 ? '' : BLOCKS[eighths % 8]!);
}
