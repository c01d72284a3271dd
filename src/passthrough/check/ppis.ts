import {
  cells,
  interruptParentOf,
  phandlesOf,
  readCell,
  readCells,
  type Tree,
  type TreeNode,
  walk,
} from '../../devicetree/index.js';

/** Of a GIC's three cells: an interrupt of each CPU's own; bits 8 to 15 of its flags say which CPUs (arm,gic.yaml). */
const PPI = 1;
const GIC_CELLS = 3;
const MASK = 0xff00;
const LAST = 8;

/** Where an interrupt of each CPU's own was said to be that of all of them, it is said to be that of all there are now. */
export function setPpiCpus(tree: Tree, before: number, after: number): void {
  const [old, now] = [maskOf(before), maskOf(after)];
  const phandles = phandlesOf(tree);
  for (const node of walk(tree.root)) {
    const words = readCells(node.get('interrupts'));
    if (words === undefined || !isGic(interruptParentOf(node, phandles))) continue;
    let isChanged = false;
    for (let at = 0; at + GIC_CELLS <= words.length; at += GIC_CELLS) {
      if (words[at] !== PPI || (words[at + 2]! & MASK) !== old) continue;
      words[at + 2] = words[at + 2]! - old + now;
      isChanged = true;
    }
    if (isChanged) node.set('interrupts', cells(...words));
  }
}

function maskOf(cpus: number): number {
  return ((1 << Math.min(cpus, LAST)) - 1) << 8;
}

function isGic(controller: TreeNode | undefined): boolean {
  return readCell(controller?.get('#interrupt-cells')) === GIC_CELLS;
}
