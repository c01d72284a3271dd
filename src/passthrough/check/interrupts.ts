import {
  cells,
  interruptsOf,
  type Phandles,
  phandlesOf,
  readCell,
  readStrings,
  specifiersOf,
  type Tree,
  type TreeNode,
} from '../../devicetree/index.js';
import type { GuestDevice } from '../guest-tree/index.js';
import { pairing } from './entries.js';
import type { TreeFinding } from './finding.js';
import type { FoundDevice } from './places.js';

const id = 'guest-tree.interrupt';
/** Of a GIC's three cells: a shared interrupt. */
const SPI = 0;
const GIC_CELLS = 3;
/** In bytes. */
const CELL = 4;
const triggers = new Map([
  [1, 'rising edge'],
  [2, 'falling edge'],
  [4, 'high level'],
  [8, 'low level'],
]);

type Line = NonNullable<ReturnType<typeof interruptsOf>>[number];

/** Holds each line of each device against the SPI that QEMU gives it: a finding for each that is another. */
export function* checkInterrupts(tree: Tree, found: readonly FoundDevice[]): Generator<TreeFinding> {
  const phandles = phandlesOf(tree);
  for (const { device, node } of found) if (node) yield* checkDevice(device, node, phandles);
}

function* checkDevice(device: GuestDevice, node: TreeNode, phandles: Phandles): Generator<TreeFinding> {
  const { placed, lines, host } = device;
  const { spis } = placed;
  const property = node.get('interrupts-extended') === undefined ? 'interrupts' : 'interrupts-extended';
  const about = { id, status: 'fail', path: node.path, property } as const;
  const there = interruptsOf(node, phandles);
  const lineOf = pairing(lineNames(device), readStrings(node.get('interrupt-names')));
  const right = (index: number) => [SPI, spis[index]!, lines[index]!.trigger];
  const text = (words: readonly number[]) => `<${words.join(' ')}>`;
  // A device below another may have lines to that one, which are no business of QEMU's.
  if (there?.some((line) => line && !isGic(line.controller))) return;
  if (there?.some((line) => line === undefined)) {
    yield {
      ...about,
      what: 'it leads to no interrupt controller',
      right: "the machine's GIC as interrupt-parent",
      mend: undefined,
    };
    return;
  }
  if (there === undefined || (there.length === 0 && spis.length > 0)) {
    yield {
      ...about,
      what:
        there === undefined ? 'its interrupt controller is not in the tree' : `${host} has no interrupt here`,
      right: spis.map((_, index) => text(right(index))).join(', ') || 'none',
      mend:
        there === undefined
          ? undefined
          : () => node.set('interrupts', cells(...spis.flatMap((_, index) => right(index)))),
    };
    return;
  }
  for (const [index, line] of there.entries()) {
    const ours = lineOf(index);
    if (spis[ours] !== undefined && isRight(line, right(ours))) continue;
    const which = there.length === 1 ? 'it is' : `line ${index + 1} is`;
    if (spis[ours] === undefined) {
      yield {
        ...about,
        what: `${which} one that ${host} has not: QEMU gives it ${spis.length}`,
        right: spis.length === 0 ? 'no interrupts' : spis.map((_, each) => text(right(each))).join(', '),
        mend: undefined,
      };
      continue;
    }
    yield {
      ...about,
      what: `${which} ${named(line)}, and QEMU gives ${host} SPI ${spis[ours]}${isSpi(line, spis[ours]!) ? `, ${triggers.get(lines[ours]!.trigger) ?? 'another trigger'}` : ''}`,
      right: text(right(ours)),
      mend: () => changeLine(node, property, index, right(ours), phandles),
    };
  }
}

/** The line's three cells, where they stand. */
function changeLine(
  node: TreeNode,
  property: 'interrupts' | 'interrupts-extended',
  index: number,
  words: readonly number[],
  phandles: Phandles,
): void {
  const start =
    property === 'interrupts'
      ? index * GIC_CELLS * CELL
      : specifiersOf(node, property, phandles)[index]!.offset + CELL;
  const value = Uint8Array.from(node.get(property)!);
  value.set(cells(...words), start);
  node.set(property, value);
}

function isGic(controller: TreeNode): boolean {
  return readCell(controller.get('#interrupt-cells')) === GIC_CELLS;
}

function isSpi(line: Line, spi: number): boolean {
  return line?.cells[0] === SPI && line.cells[1] === spi;
}

function isRight(line: Line, [, spi, trigger]: readonly number[]): boolean {
  return isSpi(line, spi!) && ((line!.cells[2] ?? 0) & 0xf) === trigger;
}

function named(line: Line): string {
  if (line === undefined) return 'one that leads nowhere';
  const [kind, number, flags = 0] = line.cells;
  return `${kind === SPI ? 'SPI' : kind === 1 ? 'PPI' : 'interrupt'} ${number}, ${triggers.get(flags & 0xf) ?? `trigger ${flags}`}`;
}

function lineNames({ shape, profile }: GuestDevice): string[] | undefined {
  if (shape) return readStrings(shape.get('interrupt-names'));
  const names = profile.known?.interrupts.flatMap(({ as }) => as ?? []);
  return names?.length === profile.known?.interrupts.length ? names : undefined;
}
