import { isEnabled, platformNameOf, type Tree, type TreeNode, walk } from '../../devicetree/index.js';
import type { Finding } from '../../finding.js';
import { isStandIn, type ResolvedDevice } from '../guest-tree/index.js';

/** Whether Linux makes each device of the tree by the name that the VM file has for it, once, and for no driver. */
export function* appliedFindings({ root }: Tree, devices: readonly ResolvedDevice[]): Generator<Finding> {
  const byName = new Map<string, TreeNode[]>();
  for (const node of walk(root)) {
    if (node.get('compatible') === undefined || !isEnabled(node)) continue;
    const name = platformNameOf(node);
    byName.set(name, [...(byName.get(name) ?? []), node]);
  }
  for (const { host } of devices) {
    const found = byName.get(host) ?? [];
    if (found.length === 1 && isStandIn(found[0]!) && found[0]!.get('iommus') !== undefined) continue;
    const paths = found.map(({ path }) => path).join(', ');
    yield {
      id: `host-overlay.applied/${host}`,
      status: 'fail',
      what:
        found.length === 0
          ? `with the overlay, the host would still have no device ${host}`
          : `with the overlay, ${host} would be ${paths}, and not one device for VFIO`,
      evidence: paths || 'the tree with the overlay in it',
      fix: "name the device in the VM file as the host's kernel does: address and node's name, such as 17000000.gpu",
      device: host,
    };
  }
}
