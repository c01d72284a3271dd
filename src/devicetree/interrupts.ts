import { mapInterrupt } from './interrupt-map.js';
import { type Interrupt, interruptCellsOf, interruptParentOf } from './interrupt-parent.js';
import type { Phandles } from './phandles.js';
import { specifiersOf } from './references.js';
import type { TreeNode } from './tree.js';
import { readCells } from './values.js';

/**
 * A node's interrupts, by `interrupts-extended` or else `interrupts`, each followed through `interrupt-map`s to the
 * controller that takes it, as Linux does (drivers/of/irq.c). One that leads nowhere is undefined in its place; the whole
 * is undefined where a controller does not say how many cells it takes, so that nobody can say how many there are.
 */
export function interruptsOf(node: TreeNode, phandles: Phandles): (Interrupt | undefined)[] | undefined {
  const raw = rawInterrupts(node, phandles);
  const address = readCells(node.get('reg')) ?? [];
  return raw?.map(({ controller, cells }) => mapInterrupt({ controller, cells }, address, phandles));
}

/**
 * How many interrupts a node has; undefined where a controller is not in the tree or does not say how many cells it takes.
 * `phandles` is what `phandlesOf` found in the node's tree.
 */
export function interruptCount(node: TreeNode, phandles: Phandles): number | undefined {
  return rawInterrupts(node, phandles)?.length;
}

/** As the node says them: for the controller or nexus that it is wired to. */
function rawInterrupts(node: TreeNode, phandles: Phandles): Interrupt[] | undefined {
  const extended = node.get('interrupts-extended');
  if (extended !== undefined) return rawExtended(node, phandles);
  const value = node.get('interrupts');
  if (value === undefined) return [];
  const words = readCells(value);
  const controller = interruptParentOf(node, phandles);
  const size = interruptCellsOf(controller);
  if (words === undefined || controller === undefined || size === undefined) return undefined;
  const found: Interrupt[] = [];
  for (let at = 0; at + size <= words.length; at += size)
    found.push({ controller, cells: words.slice(at, at + size) });
  return found;
}

function rawExtended(node: TreeNode, phandles: Phandles): Interrupt[] | undefined {
  const length = readCells(node.get('interrupts-extended'))?.length;
  if (length === undefined) return undefined;
  const found: Interrupt[] = [];
  for (const { to, args } of specifiersOf(node, 'interrupts-extended', phandles)) {
    const size = interruptCellsOf(to);
    if (to === undefined || size === undefined) return undefined;
    found.push({ controller: to, cells: args });
  }
  return found;
}
