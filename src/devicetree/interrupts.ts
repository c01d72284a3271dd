import { mapInterrupt } from './interrupt-map.js';
import type { Phandles } from './phandles.js';
import { specifiersOf } from './references.js';
import type { TreeNode } from './tree.js';
import { readCell, readCells } from './values.js';

/** One line of a device, as its controller numbers it: a GIC's cells are kind (0 shared, 1 private), number, trigger. */
export interface Interrupt {
  readonly controller: TreeNode;
  readonly cells: readonly number[];
}

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

/**
 * The controller or nexus that a node is wired to: what `interrupt-parent` of it or of the nearest node above names, else
 * the nearest one above.
 */
export function interruptParentOf(node: TreeNode, phandles: Phandles): TreeNode | undefined {
  // A tree may name its controllers in a circle.
  const seen = new Set<TreeNode>();
  for (let at: TreeNode | undefined = node; at !== undefined && !seen.has(at); ) {
    seen.add(at);
    const phandle = readCell(at.get('interrupt-parent'));
    const next: TreeNode | undefined = phandle === undefined ? at.parent : phandles.get(phandle);
    if (next === undefined || next.get('#interrupt-cells') !== undefined) return next;
    at = next;
  }
  return undefined;
}

/** How many cells a controller or nexus takes; undefined where it does not say, or says none. */
export function interruptCellsOf(controller: TreeNode | undefined): number | undefined {
  return readCell(controller?.get('#interrupt-cells')) || undefined;
}
