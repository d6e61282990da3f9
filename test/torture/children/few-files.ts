// Wants more connections than it may open files, then fewer.
import { setTimeout as sleep } from 'node:timers/promises';
import { createMesh, meshErrorOf } from '../../../src/index.ts';
import { given, tell } from './child.ts';

const mesh = createMesh({ services: { svc: `static://${given<string[]>().join()}` } });
const messages = new Set<string>();

async function call(): Promise<string> {
  try {
    return await (await mesh.fetch('http://svc/')).text();
  } catch (error) {
    const found = meshErrorOf(error);
    if (found !== undefined) messages.add(found.message);
    return found?.code ?? String(error);
  }
}

async function many(count: number): Promise<Record<string, number>> {
  const ends: Record<string, number> = {};
  for (const end of await Promise.all(Array.from({ length: count }, call))) ends[end] = (ends[end] ?? 0) + 1;
  return ends;
}

const ends = await many(200);
// Connections may be used again a turn after their last answer.
await sleep(20);
const endpoints = mesh.service('svc').endpoints();
tell('report', {
  ends,
  messages: [...messages],
  states: endpoints.map(({ state }) => state),
  successRates: endpoints.map(({ successRate }) => successRate),
  later: await many(20),
});
await mesh.close();
