import { readStrings, strings, type Tree, type TreeNode, walk } from '../../devicetree/index.js';
import {
  type AllowEntry,
  type AllowList,
  allowedProperties,
  allowedProperty,
  presentInNode,
} from '../allow-list/index.js';
import { resourceKinds, tableOf } from '../analysis/index.js';
import type { Draft } from './draft.js';

const COMPATIBLE = 'nvidia,bpmp-host-proxy';

/**
 * The node that the driver behind /dev/bpmp-host is made of, with all that it is to let through. Its lists are for all
 * VMs, so what the tree lets through already, for others, stays.
 */
export function addProxy(draft: Draft, list: AllowList): void {
  const there = proxyIn(draft.tree);
  const node = there ? draft.on(there) : draft.on(draft.tree.root).ensure('bpmp_host_proxy');
  draft.remark(
    node,
    'What /dev/bpmp-host lets through, for all VMs of the host together; each VM has its policy besides.',
  );
  if (!list.isClosed)
    draft.remark(
      node,
      'The clocks above these are not among them, and a guest that may not enable those enables none of its own.',
    );
  draft.set(node, 'compatible', strings(COMPATIBLE));
  const all = there ? withThose(list, there) : list;
  const names = new Map(
    resourceKinds.map((kind) => [
      allowedProperty[kind],
      all[kind].map(({ name, shared }) => (shared ? `${name} (shared)` : name)).join(', '),
    ]),
  );
  for (const [property, value] of allowedProperties(all))
    draft.set(node, property, value, names.get(property));
  draft.set(node, 'status', strings('okay'));
}

function proxyIn({ root }: Tree): TreeNode | undefined {
  return [...walk(root)].find((node) => readStrings(node.get('compatible'))?.includes(COMPATIBLE));
}

function withThose(list: AllowList, there: TreeNode): AllowList {
  const { ids, from } = presentInNode(there);
  const merged = resourceKinds.map((kind) => {
    const others = [...ids[kind]].filter((id) => !list[kind].some((entry) => entry.id === id));
    const entries = others.map(
      (id): AllowEntry => ({
        id,
        name: tableOf[kind].nameOf(id) ?? String(id),
        reason: from,
        right: 'use',
        shared: false,
        usedBy: [],
        wouldUse: [],
        devices: [],
      }),
    );
    return [kind, [...list[kind], ...entries]] as const;
  });
  return { ...list, ...Object.fromEntries(merged) };
}
