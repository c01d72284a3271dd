import { EMPTY, isEnabled, strings, type TreeNode } from '../../devicetree/index.js';
import type { Stream } from '../analysis/index.js';
import type { ResolvedDevice } from '../guest-tree/index.js';
import { ruleFor } from '../profiles/index.js';
import { COHERENT } from './device-node.js';
import { type Draft, DUMMY } from './draft.js';
import { setStream } from './streams.js';

/** Makes the device's own node one for VFIO. What it may not have is emptied: an overlay takes nothing away. */
export function takeInPlace(
  draft: Draft,
  { profile }: ResolvedDevice,
  { node, stream }: { readonly node: TreeNode; readonly stream: Stream | undefined },
): TreeNode {
  const content = draft.on(node);
  draft.set(content, 'compatible', strings(DUMMY));
  if (stream) setStream(draft, content, stream);
  if (node.get('dma-coherent') === undefined) draft.set(content, 'dma-coherent', EMPTY, COHERENT);
  draft.set(content, 'status', strings('okay'));
  for (const property of node.properties.keys()) {
    const rule = ruleFor(profile.host.drop, property);
    if (rule) draft.set(content, property, EMPTY, `emptied: ${rule.reason}`);
  }
  for (const child of node.children) {
    if (child.get('iommus') === undefined || !isEnabled(child)) continue;
    const part = content.ensure(child.name);
    draft.set(part, 'status', strings('disabled'), "a part of the device, for the device's own driver");
  }
  return content;
}
