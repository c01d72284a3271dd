import {
  cells,
  readCell,
  readString,
  readStrings,
  strings,
  type TreeNode,
  walk,
} from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';

/** A node at the root for a device at an address, with its `reg`. */
export function addDevice(root: TreeNode, name: string, address: bigint, size: bigint): TreeNode {
  const node = root.ensure(`${name}@${address.toString(16)}`);
  return node.set('reg', regOf(root, address, size));
}

/** As the root's #address-cells and #size-cells have it; the specification's 2 and 1 where they are not there. */
export function regOf(root: TreeNode, address: bigint, size: bigint): Uint8Array {
  const cellsOf = (property: string, byDefault: number) => readCell(root.get(property)) ?? byDefault;
  const part = (value: bigint, count: number) => (count === 2 ? value : Number(value));
  return cells(part(address, cellsOf('#address-cells', 2)), part(size, cellsOf('#size-cells', 1)));
}

/** The interrupt controller that the root's devices are wired to: a GIC, whose interrupts have three cells. */
export function gicOf(root: TreeNode): TreeNode {
  const phandle = readCell(root.get('interrupt-parent'));
  for (const node of walk(root)) {
    if (phandle === undefined || readCell(node.get('phandle')) !== phandle) continue;
    if (readCell(node.get('#interrupt-cells')) === 3) return node;
  }
  throw new GpuvmError(
    'GPUVM_CONFIG',
    "the guest's device tree names no GIC as the root's interrupt-parent: the bridge's interrupt has nowhere to go",
  );
}

/** The nodes of PCI host bridges. */
export function pciHostsOf(root: TreeNode): TreeNode[] {
  return [...walk(root)].filter(
    (node) =>
      readString(node.get('device_type')) === 'pci' ||
      readStrings(node.get('compatible'))?.includes('pci-host-ecam-generic'),
  );
}

/** What Linux's drivers and every consumer find the BPMP by; the rest says how it is reached. */
export function addBpmp(root: TreeNode): TreeNode {
  return root
    .ensure('bpmp')
    .set('compatible', strings('nvidia,tegra234-bpmp', 'nvidia,tegra186-bpmp'))
    .set('#clock-cells', cells(1))
    .set('#reset-cells', cells(1))
    .set('#power-domain-cells', cells(1));
}
