import { phandlesOf, type Tree, type TreeNode } from '../../devicetree/index.js';
import { iommuName, type Stream, streamsOf } from '../../passthrough/index.js';

/** Streams as people read them: `smmu_niso1 39 HOST1X`, consecutive ones as one. */
export class StreamTexts {
  readonly #tree: Tree;
  readonly #phandles: ReturnType<typeof phandlesOf>;
  readonly #names = new Map<TreeNode, string>();

  constructor(tree: Tree) {
    this.#tree = tree;
    this.#phandles = phandlesOf(tree);
  }

  iommu(node: TreeNode): string {
    const name = this.#names.get(node) ?? iommuName(this.#tree, node);
    this.#names.set(node, name);
    return name;
  }

  of(node: TreeNode): Stream[] {
    return streamsOf(node, this.#phandles);
  }

  ofNode(node: TreeNode): string {
    return this.merged(this.of(node)).join(', ');
  }

  merged(streams: readonly Stream[]): string[] {
    const runs: { from: Stream; to: Stream }[] = [];
    for (const stream of streams) {
      const last = runs.at(-1);
      const follows =
        last !== undefined &&
        last.to.iommu === stream.iommu &&
        last.to.property === stream.property &&
        last.to.first + last.to.count === stream.first;
      if (follows) last.to = stream;
      else runs.push({ from: stream, to: stream });
    }
    return runs.map((run) => this.#text(run.from, run.to));
  }

  #text(from: Stream, to: Stream): string {
    const end = to.first + to.count - 1;
    const ids = end === from.first ? `${from.first}` : `${from.first}-${end}`;
    const names = from === to || to.name === undefined ? from.name : `${from.name}..${to.name}`;
    const how = { iommus: '', 'iommu-map': ' (iommu-map)', profile: ' (by its profile)' }[from.property];
    return `${this.iommu(from.iommu)} ${ids}${names === undefined ? '' : ` ${names}`}${how}`;
  }
}
