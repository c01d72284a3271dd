import { readString, strings, type TreeNode, walk } from '../../devicetree/index.js';
import type { ResolvedDevice } from '../guest-tree/index.js';
import { type Draft, DUMMY } from './draft.js';

/** Switches off what cannot stay with the host without the device. */
export function switchOffOthers(draft: Draft, { host, profile }: ResolvedDevice): void {
  for (const { node: end, reason } of profile.host.disable)
    for (const node of nodesEnding(draft, end)) {
      draft.switchOff(node, `Goes with ${host}: ${reason}.`);
      if (isFramebuffer(node))
        draft.set(draft.on(node), 'compatible', strings(DUMMY), 'the firmware may switch it on again');
    }
}

/** A node by the end of its path: `hda@3510000`, `chosen/framebuffer`. */
function nodesEnding({ tree }: Draft, end: string): TreeNode[] {
  return [...walk(tree.root)].filter(({ path }) => path.endsWith(`/${end}`));
}

/** A node that the firmware may switch on again, so that only another compatible keeps its driver away. */
const isFramebuffer = (node: TreeNode) => readString(node.get('compatible')) === 'simple-framebuffer';
