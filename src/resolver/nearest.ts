import { editDistance } from '../core/edit-distance.ts';

/** Names are compared for a hint only: more than so many letters of one do not matter. */
const LONGEST = 64;

/** The one of `names` that `name` was most likely meant to be: the fewest letters to change, add or take away. */
export function nearest(name: string, names: readonly string[]): string {
  const distance = (other: string): number => editDistance(name.slice(0, LONGEST), other);
  return names.reduce((best, next) => (distance(next) < distance(best) ? next : best));
}
