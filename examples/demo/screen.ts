/** Where the table goes: redrawn in place on a terminal; elsewhere a block now and then, and each event as it happens. */
import { styleText } from 'node:util';

export interface Event {
  /** Seconds since the start. */
  readonly at: number;
  readonly text: string;
  /** What we did to the backends, or what the mesh made of it. */
  readonly kind: 'fault' | 'mesh';
}

export interface Screen {
  /** How wide a line may be. */
  readonly width: number;
  /** Shows how things are now. */
  draw(lines: readonly string[]): void;
  event(event: Event): void;
  /** Draws for the last time, and leaves the terminal as it was. */
  end(lines: readonly string[]): void;
}

/** @param every how often a block is printed where nothing can be redrawn, ms. */
export function openScreen(stream: NodeJS.WriteStream, every: number): Screen {
  const drawable = stream.isTTY && stream.columns >= 80 && process.env['TERM'] !== 'dumb';
  return drawable ? new Terminal(stream) : new Paper(stream, every);
}

function format({ at, text, kind }: Event, width: number): string {
  const line = `${at.toFixed(1).padStart(6)} s  ${kind === 'fault' ? '▸' : '→'} ${text}`;
  const cut = line.length > width ? `${line.slice(0, width - 1)}…` : line;
  return kind === 'fault' ? styleText('bold', cut) : cut;
}

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
/** Terminals that know these show a frame only when it is whole; others ignore them. */
const FRAME_BEGIN = '\x1b[?2026h';
const FRAME_END = '\x1b[?2026l';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

class Terminal implements Screen {
  readonly #stream: NodeJS.WriteStream;
  readonly #events: Event[] = [];
  #height = 0;
  readonly #showCursor = (): void => void this.#stream.write(SHOW_CURSOR);

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    stream.write(HIDE_CURSOR);
    process.once('exit', this.#showCursor);
  }

  get width(): number {
    return Math.min(this.#stream.columns, 120);
  }

  event(event: Event): void {
    this.#events.push(event);
  }

  draw(lines: readonly string[]): void {
    // What scrolls out of the terminal could not be drawn over.
    const shown = lines.slice(0, this.#stream.rows - 2);
    const room = Math.min(9, this.#stream.rows - shown.length - 2);
    const latest = this.#events.slice(Math.max(0, this.#events.length - room));
    this.#frame([...shown, '', ...latest.map((event) => format(event, this.width))]);
  }

  end(lines: readonly string[]): void {
    this.#frame([...lines, '', ...this.#events.map((event) => format(event, this.width))]);
    this.#showCursor();
    process.off('exit', this.#showCursor);
  }

  /** Over the frame before, line by line, in one write: nothing flickers. */
  #frame(lines: readonly string[]): void {
    const up = this.#height === 0 ? '\r' : `\x1b[${this.#height}F`;
    const text = lines.map((line) => `${line}${CLEAR_LINE}\n`).join('');
    this.#stream.write(`${FRAME_BEGIN}${up}${text}${CLEAR_BELOW}${FRAME_END}`);
    this.#height = lines.length;
  }
}

class Paper implements Screen {
  readonly width = 120;
  readonly #stream: NodeJS.WriteStream;
  readonly #every: number;
  #next: number;

  constructor(stream: NodeJS.WriteStream, every: number) {
    this.#stream = stream;
    this.#every = every;
    this.#next = performance.now() + every;
  }

  event(event: Event): void {
    this.#stream.write(`${format(event, Infinity)}\n`);
  }

  draw(lines: readonly string[]): void {
    if (performance.now() < this.#next) return;
    this.#next += this.#every;
    this.#print(lines);
  }

  end(lines: readonly string[]): void {
    this.#print(lines);
  }

  #print(lines: readonly string[]): void {
    this.#stream.write(`${lines.map((line) => line.trimEnd()).join('\n')}\n\n`);
  }
}
