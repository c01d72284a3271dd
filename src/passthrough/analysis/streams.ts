import { tegra234 } from '../../bpmp/tegra234/index.js';
import {
  findLabel,
  labelsOf,
  type Phandles,
  readCell,
  readCells,
  specifiersOf,
  type Tree,
  type TreeNode,
} from '../../devicetree/index.js';
import { nameOfSpecifier, shortNameOf } from '../names.js';
import type { SelectedDevice } from './device.js';

/** Streams of one IOMMU by which a device does DMA. */
export interface Stream {
  /** The IOMMU's node. */
  readonly iommu: TreeNode;
  readonly first: number;
  readonly count: number;
  readonly name: string | undefined;
  /** `iommus`; `iommu-map` for what is below it (a PCI bus's functions, host1x's contexts); `profile`. */
  readonly property: 'iommus' | 'iommu-map' | 'profile';
}

export function streamsOf(node: TreeNode, phandles: Phandles): Stream[] {
  const own = specifiersOf(node, 'iommus', phandles).flatMap(({ to, args }): Stream[] =>
    to && args[0] !== undefined
      ? [
          {
            iommu: to,
            first: args[0],
            count: 1,
            name: nameOfSpecifier(to, 'iommus', args),
            property: 'iommus',
          },
        ]
      : [],
  );
  return [...own, ...mappedStreams(node, phandles)];
}

/** Entries of an id below, the IOMMU, its first stream, how many; `iommu-map-mask` says which ids there are at all. */
function mappedStreams(node: TreeNode, phandles: Phandles): Stream[] {
  const words = readCells(node.get('iommu-map')) ?? [];
  const mask = readCell(node.get('iommu-map-mask'));
  return specifiersOf(node, 'iommu-map', phandles).flatMap(({ to, args, offset }): Stream[] => {
    const [first, length] = args;
    if (to === undefined || first === undefined || length === undefined) return [];
    const name = nameOfSpecifier(to, 'iommu-map', args);
    // A mask of 0 leaves the id 0 alone: all that is below has one stream.
    const count = mask === 0 ? (words[offset / 4 - 1] === 0 ? 1 : 0) : length;
    return count === 0 ? [] : [{ iommu: to, first, count, name, property: 'iommu-map' }];
  });
}

/** A device's own; where the tree gives it none, the one that its profile has the host's overlay give it. */
export function streamsOfDevice({ node, profile }: SelectedDevice, tree: Tree, phandles: Phandles): Stream[] {
  const own = node ? streamsOf(node, phandles) : [];
  const { stream } = profile?.host ?? {};
  const iommu = stream && findLabel(tree, stream.iommu);
  const id = stream && tegra234.streamIds.idOf(stream.id);
  if (own.length > 0 || !stream || !iommu || id === undefined) return own;
  return [{ iommu, first: id, count: 1, name: stream.id, property: 'profile' }];
}

/** Whether the IOMMU takes a request by either for one by the other. It overlooks the bits of `stream-match-mask`. */
export function isSameStream(a: Stream, b: Stream): boolean {
  if (a.iommu !== b.iommu) return false;
  const mask = readCell(a.iommu.get('stream-match-mask')) ?? 0;
  if (mask === 0) return a.first < b.first + b.count && b.first < a.first + a.count;
  if (a.count >= MOST_STREAMS || b.count >= MOST_STREAMS) return true;
  const [few, many] = a.count < b.count ? [a, b] : [b, a];
  const ids = new Set<number>();
  for (let at = 0; at < few.count; at++) ids.add((few.first + at) & ~mask);
  for (let at = 0; at < many.count; at++) if (ids.has((many.first + at) & ~mask)) return true;
  return false;
}

/** An SMMU-500's streams have 15 bits: so many in a row are all of them. */
const MOST_STREAMS = 0x8000;

/** `smmu_niso1` where the tree has labels, else the node's name. */
export function iommuName(tree: Tree, iommu: TreeNode): string {
  return labelsOf(tree).find((label) => findLabel(tree, label) === iommu) ?? shortNameOf(iommu);
}
