import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** One way of sending a request. */
export interface Variant {
  readonly name: string;
  readonly run: () => Promise<unknown>;
}

/** What one variant cost, medians over all rounds; ratios are those of the same round's base. */
export interface Result {
  readonly name: string;
  readonly cpu: number;
  readonly rate: number;
  readonly cpuRatio: number;
  readonly rateRatio: number;
}

/** Starts the bench server in a process of its own; it answers on three ports. */
export async function startServer(): Promise<{ ports: number[]; stop: () => void }> {
  const child: ChildProcess = fork(new URL('./server.ts', import.meta.url), { stdio: 'inherit' });
  const [ports] = (await once(child, 'message')) as [number[]];
  return { ports, stop: () => child.kill() };
}

/**
 * Runs all variants in turn, in short slices, many rounds, so that whatever else the machine does hits all of them
 * alike, and compares each with the first one of the same round.
 */
export async function compare(
  variants: readonly Variant[],
  { rounds = 30, slice = 80, concurrency = 32, warmup = 1_500 } = {},
): Promise<Result[]> {
  for (const { run } of variants) await load(run, warmup / variants.length, concurrency);
  const samples = variants.map(() => [] as { cpu: number; rate: number; cpuRatio: number; rateRatio: number }[]);
  for (let round = 0; round < rounds; round++) {
    // Each round begins with another variant: what follows what matters too.
    const turns = variants.map((_, index) => (index + round) % variants.length);
    const measured: { cpu: number; rate: number }[] = [];
    for (const index of turns) measured[index] = await load(variants[index]!.run, slice, concurrency);
    const base = measured[0]!;
    for (const [index, sample] of measured.entries()) {
      samples[index]!.push({ ...sample, cpuRatio: sample.cpu / base.cpu, rateRatio: sample.rate / base.rate });
    }
  }
  return variants.map(({ name }, index) => {
    const of = (field: 'cpu' | 'rate' | 'cpuRatio' | 'rateRatio'): number =>
      median(samples[index]!.map((sample) => sample[field]));
    return { name, cpu: of('cpu'), rate: of('rate'), cpuRatio: of('cpuRatio'), rateRatio: of('rateRatio') };
  });
}

/** Starts a server, compares the variants that `make` makes for its ports, prints the table, and ends the process. */
export async function measure(title: string, make: (ports: readonly number[]) => readonly Variant[]): Promise<never> {
  const { ports, stop } = await startServer();
  const rounds = process.argv.includes('--quick') ? 8 : 40;
  console.log(table(title, await compare(make(ports), { rounds })));
  stop();
  process.exit(0);
}

/** A table for people: CPU per request and throughput, each with its ratio to the first line. */
export function table(title: string, results: readonly Result[]): string {
  const lines = results.map(
    ({ name, cpu, rate, cpuRatio, rateRatio }) =>
      `${name.padEnd(46)}${cpu.toFixed(1).padStart(9)}${cpuRatio.toFixed(2).padStart(9)}x${Math.round(rate).toString().padStart(10)}${rateRatio.toFixed(2).padStart(9)}x`,
  );
  const head = `${''.padEnd(46)}${'CPU µs'.padStart(9)}${'ratio'.padStart(10)}${'req/s'.padStart(10)}${'ratio'.padStart(10)}`;
  return [`\n${title}`, head, ...lines].join('\n');
}

async function load(
  run: () => Promise<unknown>,
  ms: number,
  concurrency: number,
): Promise<{ cpu: number; rate: number }> {
  const begin = performance.now();
  const cpu = process.cpuUsage();
  const end = begin + ms;
  let done = 0;
  const client = async (): Promise<void> => {
    while (performance.now() < end) {
      await run();
      done++;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, client));
  const used = process.cpuUsage(cpu);
  return { cpu: (used.user + used.system) / done, rate: (done / (performance.now() - begin)) * 1_000 };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
