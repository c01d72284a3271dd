import {
  isEnabled,
  platformNameOf,
  readStrings,
  regionsOf,
  type Tree,
  type TreeNode,
  walk,
} from '../../devicetree/index.js';
import { baseNameOf, type DeviceProfile, profileOf } from '../profiles/index.js';

/** What the host's tree has of a device. */
export interface HostNodes {
  /** The node that Linux makes the device of, by its very name: what VFIO hands over has its registers and interrupts. */
  readonly own: TreeNode | undefined;
  /** The node that says what the device is: its own, or the one that a stand-in for VFIO was put beside. */
  readonly described: TreeNode | undefined;
}

/** Looks devices up in one host's tree, by the names that sysfs has for them. */
export class HostNodeIndex {
  readonly #byName = new Map<string, TreeNode>();
  readonly #byAddress = new Map<bigint, TreeNode[]>();

  constructor({ root }: Tree) {
    for (const node of walk(root)) {
      const name = platformNameOf(node);
      const other = this.#byName.get(name);
      // Linux makes devices of enabled nodes only, so one of those is the one that is meant.
      if (!other || (!isEnabled(other) && isEnabled(node))) this.#byName.set(name, node);
      const [first] = node.get('reg') === undefined ? [] : regionsOf(node);
      if (first === undefined) continue;
      const there = this.#byAddress.get(first.address);
      if (there) there.push(node);
      else this.#byAddress.set(first.address, [node]);
    }
  }

  find(host: string, profiles: readonly DeviceProfile[]): HostNodes {
    const own = this.#byName.get(host);
    if (own !== undefined && !isStandIn(own)) return { own, described: own };
    const profile = profileOf(profiles, host, own);
    const address = addressIn(host);
    const others = (address === undefined ? undefined : this.#byAddress.get(address)) ?? [];
    const base = baseNameOf(host);
    const meant = others.find(
      (node) =>
        !isStandIn(node) && (nameOf(node) === base || (profile?.match.nodes.includes(nameOf(node)) ?? false)),
    );
    return { own, described: meant ?? own };
  }

  /** A device at the same address under another name, for messages. */
  neighbour(host: string): string | undefined {
    const address = addressIn(host);
    const [node] = (address === undefined ? undefined : this.#byAddress.get(address)) ?? [];
    return node && platformNameOf(node);
  }
}

/** Whether a node has a driver that only holds the device for VFIO: then it does not say what the device is. */
export function isStandIn(node: TreeNode): boolean {
  return readStrings(node.get('compatible'))?.some((each) => /\bdummy\b/.test(each)) ?? false;
}

/** 0x17000000 of 17000000.gpu; undefined where the name has no address. */
export function addressIn(host: string): bigint | undefined {
  const [, digits] = /^([0-9a-f]{1,16})\./.exec(host) ?? [];
  return digits === undefined ? undefined : BigInt(`0x${digits}`);
}

function nameOf({ name }: TreeNode): string {
  return name.replace(/@.*$/, '');
}
