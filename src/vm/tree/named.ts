import {
  phandleOf,
  phandlesOf,
  readString,
  readStrings,
  referencesOf,
  type Tree,
  type TreeNode,
  walk,
} from '../../devicetree/index.js';

/** Clocks and power domains of the BPMP that a guest's devices name, by id. */
export interface Named {
  readonly clocks: readonly number[];
  readonly powerDomains: readonly number[];
}

/** What the nodes that the guest will use name. */
export function namedIn(tree: Tree): Named {
  const clocks = new Set<number>();
  const powerDomains = new Set<number>();
  const phandles = phandlesOf(tree);
  const bpmps = new Set([...phandles].filter(([, node]) => isBpmp(node)).map(([phandle]) => phandle));
  for (const node of walk(tree.root)) {
    if (!isUsed(node)) continue;
    for (const { property, phandle, args } of referencesOf(node, phandles)) {
      if (!bpmps.has(phandle) || args.length !== 1) continue;
      if (property === 'power-domains') powerDomains.add(args[0]!);
      else if (property.includes('clock')) clocks.add(args[0]!);
    }
  }
  return { clocks: [...clocks], powerDomains: [...powerDomains] };
}

function isBpmp(node: TreeNode): boolean {
  return (
    phandleOf(node) !== undefined &&
    (readStrings(node.get('compatible'))?.includes('nvidia,tegra186-bpmp') ?? false)
  );
}

/** Neither it nor anything around it is switched off. */
function isUsed(node: TreeNode): boolean {
  for (let at: TreeNode | undefined = node; at !== undefined; at = at.parent) {
    if (!['okay', 'ok', undefined].includes(readString(at.get('status')))) return false;
  }
  return true;
}
