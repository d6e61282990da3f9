import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The code that importing `path` loads: itself and all that it imports of this package, not what it imports later. */
export async function loadedBy(path: string, found: Map<string, string> = new Map()): Promise<Map<string, string>> {
  if (found.has(path)) return found;
  const code = await readFile(path, 'utf8');
  found.set(path, code);
  for (const [, name] of code.matchAll(/^(?:import|export) [^;]*?"(\.[^"]+)";/gm)) {
    await loadedBy(join(path, '..', name!), found);
  }
  return found;
}
