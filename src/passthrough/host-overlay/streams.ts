import { tegra234 } from '../../bpmp/tegra234/index.js';
import {
  findLabel,
  isEnabled,
  readCell,
  readStrings,
  regionsOf,
  type Tree,
  type TreeNode,
  walk,
} from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import type { Finding } from '../../finding.js';
import { isSameStream, isWithin, type Stream, streamsOf } from '../analysis/index.js';
import { shortNameOf } from '../names.js';
import type { HostRules } from '../profiles/index.js';
import type { Draft } from './draft.js';

type Wanted = Pick<NonNullable<HostRules['stream']>, 'iommu' | 'id'>;

/** Of what has no stream of its own, and is not to have anybody else's. */
export const CARVE_OUT_STREAM: Wanted = { iommu: 'smmu_niso0', id: 'PASSTHROUGH' };

/** Where Tegra234 has its SMMUs, for trees without labels. */
const smmus: Readonly<Record<string, bigint>> = {
  smmu_iso: 0x1000_0000n,
  smmu_niso0: 0x1200_0000n,
  smmu_niso1: 0x0800_0000n,
};

/** The stream that somebody knows by name. Throws GPUVM_CONFIG where the tree has no such SMMU. */
export function streamNamed(tree: Tree, { iommu: name, id }: Wanted, device: string): Stream {
  const iommu = findLabel(tree, name) ?? smmuAt(tree, smmus[name]);
  const first = tegra234.streamIds.idOf(id);
  if (iommu !== undefined && first !== undefined)
    return { iommu, first, count: 1, name: id, property: 'profile' };
  const lacking = iommu === undefined ? `the host's tree has no ${name}` : `no stream is called ${id}`;
  throw new GpuvmError('GPUVM_CONFIG', `${device}: ${lacking}, which it is to be behind`);
}

function smmuAt({ root }: Tree, address: bigint | undefined): TreeNode | undefined {
  return [...walk(root)].find(
    (node) =>
      readStrings(node.get('compatible'))?.includes('nvidia,tegra234-smmu') &&
      regionsOf(node)[0]?.address === address,
  );
}

/** Gives a node of the overlay a stream. */
export function setStream(draft: Draft, node: TreeNode, { iommu, first, name }: Stream): void {
  const count = readCell(iommu.get('#iommu-cells')) ?? 1;
  const rest = Array.from({ length: Math.max(count - 1, 0) }, () => 0);
  draft.set(node, 'iommus', draft.builder.cells(draft.refer(iommu), first, ...rest), name);
}

/** One stream is one IOMMU group, and VFIO takes a group whole: whoever is in it and not the VM's keeps it from the VM. */
export function* streamFindings(
  tree: Tree,
  taken: readonly { readonly host: string; readonly streams: readonly Stream[] }[],
  leaving: ReadonlySet<TreeNode>,
  { phandles }: Draft,
): Generator<Finding> {
  const staying = [...walk(tree.root)].flatMap((node) =>
    isEnabled(node) && !isWithin(node, leaving)
      ? streamsOf(node, phandles).map((stream) => ({ node, stream }))
      : [],
  );
  for (const { host, streams } of taken) {
    for (const stream of streams) {
      const others = staying.filter((other) => isSameStream(other.stream, stream)).map(({ node }) => node);
      if (others.length === 0) continue;
      const names = others.map(shortNameOf).join(', ');
      const [are, have] = others.length === 1 ? ['is', 'has'] : ['are', 'have'];
      yield {
        id: `host-overlay.stream/${host}`,
        status: 'fail',
        what: `${host}: ${names} ${are} not the VM's and ${have} the same stream ${labelled(stream)}, so they are one IOMMU group`,
        evidence: others.map(({ path }) => `${path}: iommus`).join(', '),
        fix: 'give the VM all of them, or none',
        device: host,
      };
    }
  }
}

export function labelled({ iommu, first, name }: Stream): string {
  return `${name ?? first} (${first}) of ${iommu.name}`;
}
