import { type Interrupt, interruptCellsOf, interruptParentOf } from './interrupt-parent.js';
import type { Phandles } from './phandles.js';
import { isEnabled } from './status.js';
import type { TreeNode } from './tree.js';
import { readCell, readCells } from './values.js';

/** Linux's MAX_PHANDLE_ARGS: no specifier is longer. */
const MAX_CELLS = 16;
/** More nexuses than any board has behind each other; a tree may have them in a circle. */
const MAX_STEPS = 64;

/**
 * Follows an interrupt through `interrupt-map`s, by their masks, to the controller that takes it; undefined where no entry
 * matches, or it goes round in a circle. `address` is the device's own, in cells: the first of its `reg`, of a PCI
 * function the first cell with bus, device and function.
 */
export function mapInterrupt(
  { controller, cells }: Interrupt,
  address: readonly number[],
  phandles: Phandles,
): Interrupt | undefined {
  let at: TreeNode = controller;
  let specifier = cells;
  let unit = firstOf(address, addressCellsOf(at));
  for (let step = 0; step < MAX_STEPS; step++) {
    const map = readCells(at.get('interrupt-map'));
    if (map === undefined) {
      if (at.get('interrupt-controller') !== undefined) return { controller: at, cells: specifier };
      // Neither: it hands on what it gets.
      const next = interruptParentOf(at, phandles);
      if (next === undefined || next === at) return undefined;
      at = next;
      continue;
    }
    const found = lookUp(at, map, [...unit, ...specifier], phandles);
    if (found === undefined) return undefined;
    // An entry that names the node itself ends the way.
    if (found.controller === at) return { controller: at, cells: found.cells };
    ({ controller: at, cells: specifier, unit } = found);
  }
  return undefined;
}

interface Step extends Interrupt {
  readonly unit: readonly number[];
}

function lookUp(
  nexus: TreeNode,
  map: readonly number[],
  wanted: readonly number[],
  phandles: Phandles,
): Step | undefined {
  const mask = readCells(nexus.get('interrupt-map-mask'));
  const own = wanted.length;
  for (let at = 0; at + own < map.length; ) {
    const matches = wanted.every((cell, index) => ((cell ^ map[at + index]!) & (mask?.[index] ?? -1)) === 0);
    const controller = phandles.get(map[at + own]!);
    const size = interruptCellsOf(controller);
    // The rest cannot be read: the size of this entry is not known.
    if (controller === undefined || size === undefined) return undefined;
    const addressSize = readCell(controller.get('#address-cells')) ?? 0;
    const from = at + own + 1;
    const end = from + addressSize + size;
    if (addressSize + size > MAX_CELLS || end > map.length) return undefined;
    if (matches && isEnabled(controller))
      return {
        controller,
        unit: map.slice(from, from + addressSize),
        cells: map.slice(from + addressSize, end),
      };
    at = end;
  }
  return undefined;
}

/** How long an address before a nexus's interrupts is: its own, or the nearest one above, or two, as for Linux. */
function addressCellsOf(nexus: TreeNode): number {
  for (let at: TreeNode | undefined = nexus; at !== undefined; at = at.parent) {
    const cells = readCell(at.get('#address-cells'));
    if (cells !== undefined) return Math.min(cells, MAX_CELLS);
  }
  return 2;
}

function firstOf(address: readonly number[], cells: number): readonly number[] {
  return Array.from({ length: cells }, (_, index) => address[index] ?? 0);
}
