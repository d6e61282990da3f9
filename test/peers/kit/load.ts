/** What came of a load: good answers by body, everything else by what happened, each with how often. */
export interface LoadResult {
  readonly sent: number;
  readonly answers: ReadonlyMap<string, number>;
  readonly failures: Readonly<Record<string, number>>;
}

/**
 * Sends GET requests at a steady pace, whether or not earlier ones are answered, while `until` is pending.
 * @param rate requests a second.
 */
export async function load(
  fetch: typeof globalThis.fetch,
  url: string,
  rate: number,
  until: Promise<unknown>,
): Promise<LoadResult> {
  const answers = new Map<string, number>();
  const failures: Record<string, number> = {};
  const fail = (what: string): void => void (failures[what] = (failures[what] ?? 0) + 1);
  const pending: Promise<void>[] = [];
  const send = async (): Promise<void> => {
    try {
      const response = await fetch(url);
      const text = await response.text();
      if (response.status === 200) answers.set(text, (answers.get(text) ?? 0) + 1);
      else fail(`status ${response.status}`);
    } catch (error) {
      fail(describe(error));
    }
  };
  let running = true;
  const ending = until.finally(() => (running = false));
  const begin = performance.now();
  while (running) {
    const due = Math.floor(((performance.now() - begin) / 1_000) * rate);
    while (pending.length < due) pending.push(send());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await ending;
  await Promise.all(pending);
  return { sent: pending.length, answers, failures };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : ` < ${describe(error.cause)}`;
  return `${error.message}${cause}`;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Does something over and over, `every` ms, `times` times. */
export async function repeat(times: number, every: number, action: () => Promise<void>): Promise<void> {
  for (let time = 0; time < times; time++) {
    await sleep(every);
    await action();
  }
  await sleep(every);
}
