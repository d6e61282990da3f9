/** The one of `names` that `name` was most likely meant to be: the fewest letters to change, add or take away. */
export function nearest(name: string, names: readonly string[]): string {
  return names.reduce((best, next) => (distance(name, next) < distance(name, best) ? next : best));
}

/** Levenshtein's edit distance. Long names are cut: they are compared for a hint only. */
function distance(a: string, b: string): number {
  const from = a.slice(0, 64);
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (from[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
