import { randomFillSync } from 'node:crypto';
import { findNode, type Tree } from '../../devicetree/index.js';

/** Properties of /chosen that hold randomness for the guest's kernel (Devicetree Specification, "chosen"). */
export const SEEDS = ['rng-seed', 'kaslr-seed'];

/** Random bytes in the place of those that a tree came with: they may have been used before. */
export function renewSeeds(tree: Tree): void {
  const chosen = findNode(tree, '/chosen');
  for (const name of SEEDS) {
    const seed = chosen?.get(name);
    if (seed) chosen?.set(name, randomFillSync(new Uint8Array(seed.length)));
  }
}
