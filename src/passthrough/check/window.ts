import { cells, findNode, readCell, readU64s, type Tree, walk } from '../../devicetree/index.js';
import { isBpmp as isTegra234 } from '../names.js';
import type { Expectations } from './expectations.js';
import { hex, type TreeFinding } from './finding.js';

/** A stale one fails silently: no clock ever comes up, and the GPU's driver times out. */
export function* checkWindow(tree: Tree, { window }: Expectations): Generator<TreeFinding> {
  if (window === undefined) return;
  const { address, because } = window;
  const id = 'guest-tree.window';
  const node = findNode(tree, '/bpmp') ?? [...walk(tree.root)].find(isTegra234);
  const right = `<${cellText(address)}> (${because})`;
  if (node === undefined) {
    yield {
      id,
      status: 'fail',
      path: '/bpmp',
      property: undefined,
      what: "there is no node of the BPMP, which the devices' clocks, resets and power domains are asked of",
      right: `compatible = "nvidia,tegra234-bpmp", "nvidia,tegra186-bpmp", and virtual-pa = ${right}`,
      mend: undefined,
    };
    return;
  }
  const value = node.get('virtual-pa');
  const [said, ...rest] = readU64s(value) ?? [];
  if (said === address && rest.length === 0) return;
  const what =
    value === undefined
      ? "it does not say where the BPMP's window is"
      : said === undefined || rest.length > 0
        ? `it is no address of two cells${readCell(value) === undefined ? '' : `, but ${hex(readCell(value)!)} in one`}`
        : `the BPMP's window is not at ${hex(said)}`;
  yield {
    id,
    status: 'fail',
    path: node.path,
    property: 'virtual-pa',
    what,
    right,
    mend: () => node.set('virtual-pa', cells(address)),
  };
}

function cellText(address: bigint): string {
  return `${hex(address >> 32n)} ${hex(address & 0xffff_ffffn)}`;
}
