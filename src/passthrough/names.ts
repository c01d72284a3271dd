import { tegra234 } from '../bpmp/tegra234/index.js';
import type { ResourceTable } from '../bpmp/wire/index.js';
import { readStrings, regionsOf, type TreeNode } from '../devicetree/index.js';

/** The three kinds of what a BPMP switches, by the property that refers to it. */
const bpmpTables: Readonly<Record<string, ResourceTable>> = {
  clocks: tegra234.clocks,
  'assigned-clocks': tegra234.clocks,
  'assigned-clock-parents': tegra234.clocks,
  resets: tegra234.resets,
  'power-domains': tegra234.powerDomains,
};

/**
 * What the number in a reference is called: GPUSYS for 304 in `clocks = <&bpmp 304>`, HOST1X for 39 in
 * `iommus = <&smmu_niso1 39>`. Undefined where it has no name, or its provider is of no chip that is known. Fits
 * `printTree`'s `nameOf`.
 */
export function nameOfReference(reference: {
  readonly property: string;
  readonly to: TreeNode | undefined;
  readonly args: readonly number[];
}): string | undefined {
  return reference.to && nameOfSpecifier(reference.to, reference.property, reference.args);
}

/** The same, by the node referred to, the property, and the cells that follow the phandle. */
export function nameOfSpecifier(
  provider: TreeNode,
  property: string,
  [id]: readonly number[],
): string | undefined {
  if (id === undefined) return undefined;
  if (isBpmp(provider))
    return Object.hasOwn(bpmpTables, property) ? bpmpTables[property]!.nameOf(id) : undefined;
  return property === 'iommus' || property === 'iommu-map' ? nameOfStream(provider, id) : undefined;
}

/** The table in which the numbers of a provider have their names, for a property; undefined where they have none. */
export function tableOfSpecifier(provider: TreeNode, property: string): ResourceTable | undefined {
  if (isBpmp(provider)) return Object.hasOwn(bpmpTables, property) ? bpmpTables[property] : undefined;
  const isStream = property === 'iommus' || property === 'iommu-map';
  return isStream && isSmmu(provider) ? tegra234.streamIds : undefined;
}

/** The chip's power firmware, of which the numbers are known. */
export function isBpmp(node: TreeNode): boolean {
  return readStrings(node.get('compatible'))?.includes('nvidia,tegra234-bpmp') ?? false;
}

/** Each SMMU counts streams of its own. The table has them in the order of the header: ISO, NISO0, NISO1. */
const smmus = new Map<bigint, (names: readonly string[]) => string | undefined>([
  [0x1000_0000n, (names) => names.find((name) => name.startsWith('ISO_')) ?? common(names)],
  [0x1200_0000n, (names) => others(names)[0]],
  [0x0800_0000n, (names) => others(names).at(-1)],
]);

function nameOfStream(smmu: TreeNode, id: number): string | undefined {
  if (!isSmmu(smmu)) return undefined;
  const [first] = regionsOf(smmu);
  const names = tegra234.streamIds.names.filter((name) => tegra234.streamIds.idOf(name) === id);
  return first && smmus.get(first.address)?.(names);
}

function isSmmu(node: TreeNode): boolean {
  return readStrings(node.get('compatible'))?.includes('nvidia,tegra234-smmu') ?? false;
}

const others = (names: readonly string[]) => names.filter((name) => !name.startsWith('ISO_'));
const common = (names: readonly string[]) => names.find((name) => /^(INVALID|PASSTHROUGH)$/.test(name));

/** A node's name as people tell it from others: with the nearest address above where it has none of its own. */
export function shortNameOf(node: TreeNode): string {
  const parts = [node.name];
  for (let at = node; !at.name.includes('@') && at.parent?.parent; at = at.parent)
    parts.unshift(at.parent.name);
  return parts.join('/');
}
