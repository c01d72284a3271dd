import {
  type Interrupt,
  interruptsOf,
  type Phandles,
  readStrings,
  type TreeNode,
} from '../../devicetree/index.js';
import type { SelectedDevice } from './device.js';

/** One interrupt of a device, as its controller numbers it. */
export interface Line {
  readonly controller: TreeNode | undefined;
  /** `SPI 68`, or the controller's cells where it is no GIC. */
  readonly text: string;
  readonly as: string | undefined;
}

export function linesOf(node: TreeNode, phandles: Phandles): Line[] {
  const names = readStrings(node.get('interrupt-names'));
  return (interruptsOf(node, phandles) ?? []).flatMap((line, index) => {
    const text = line && textOf(line);
    return line && text !== undefined ? [{ controller: line.controller, text, as: names?.[index] }] : [];
  });
}

export function linesOfDevice({ node, known }: SelectedDevice, phandles: Phandles): Line[] {
  if (node) return linesOf(node, phandles);
  return (known?.interrupts ?? []).map(({ spi, as }) => ({ controller: undefined, text: `SPI ${spi}`, as }));
}

/** A profile's are of the chip's one GIC. */
export function isSameLine(a: Line, b: Line): boolean {
  return (
    a.text === b.text &&
    (a.controller === b.controller || a.controller === undefined || b.controller === undefined)
  );
}

/** Undefined for one that each CPU has of its own: nobody shares it. */
function textOf({ controller, cells }: Interrupt): string | undefined {
  const isGic = readStrings(controller.get('compatible'))?.some((each) => /^arm,(gic|.*-gic)/.test(each));
  const [kind, number] = cells;
  if (isGic && cells.length >= 3) return kind === 0 ? `SPI ${number}` : undefined;
  // The last cell is the trigger.
  return `${controller.name} ${cells.slice(0, Math.max(1, cells.length - 1)).join(' ')}`;
}
