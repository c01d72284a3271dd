import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { differenceOf } from './difference.js';
import { readTree } from './read-tree.js';

/** What it ends with where there is a difference, as diff does. */
const DIFFERENT = 1;

export async function run({ args, options }: Call, { stdout, json }: Context): Promise<number> {
  const [before, after] = [await readTree(args[0]!), await readTree(args[1]!)];
  // Phandles are the numbers by which one tree knows its nodes, and no two compilers count alike.
  const difference = differenceOf(before, after, options.phandles !== true);
  if (json) stdout.json({ equal: difference.isEmpty, changes: difference.json() });
  else for (const line of difference.lines()) stdout.line(line);
  return difference.isEmpty ? 0 : DIFFERENT;
}
