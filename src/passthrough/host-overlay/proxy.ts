import { strings } from '../../devicetree/index.js';
import { type AllowList, allowedProperties, allowedProperty } from '../allow-list/index.js';
import { resourceKinds } from '../analysis/index.js';
import type { Draft } from './draft.js';

/** The node that the driver behind /dev/bpmp-host is made of, with all that it is to let through. */
export function addProxy(draft: Draft, list: AllowList): void {
  const node = draft.on(draft.tree.root).ensure('bpmp_host_proxy');
  draft.remark(
    node,
    'What /dev/bpmp-host lets through, for all VMs of the host together; each VM has its policy besides.',
  );
  if (!list.isClosed)
    draft.remark(
      node,
      'The clocks above these are not among them, and a guest that may not enable those enables none of its own.',
    );
  draft.set(node, 'compatible', strings('nvidia,bpmp-host-proxy'));
  const names = new Map(
    resourceKinds.map((kind) => [
      allowedProperty[kind],
      list[kind].map(({ name, shared }) => (shared ? `${name} (shared)` : name)).join(', '),
    ]),
  );
  for (const [property, value] of allowedProperties(list))
    draft.set(node, property, value, names.get(property));
  draft.set(node, 'status', strings('okay'));
}
