import {
  isEnabled,
  overlaps,
  type Phandles,
  type Reference,
  readString,
  readStrings,
  regionsOf,
  resolvePath,
  type Tree,
  type TreeNode,
  walk,
} from '../../devicetree/index.js';
import { isStandIn } from '../guest-tree/index.js';
import { shortNameOf } from '../names.js';
import type { SelectedDevice } from './device.js';
import { isSameLine, type Line, linesOf, linesOfDevice } from './lines.js';
import { isWithin } from './resources.js';
import { isSameStream, type Stream, streamsOf, streamsOfDevice } from './streams.js';

/** How a node of the host hangs together with a device that leaves. */
export type Relation =
  | 'child'
  | 'parent'
  | 'stream'
  | 'interrupt'
  | 'registers'
  | 'profile'
  | 'refers'
  | 'console';

/**
 * `move`: it must go along, or be switched off on the host. `gone`: it lies in the device and goes with it. `breaks`: it
 * stays and misses the device. `none`: it is switched off, and would be one of these were it not.
 */
export type Consequence = 'move' | 'gone' | 'breaks' | 'none';

export interface Related {
  readonly node: TreeNode;
  readonly relation: Relation;
  readonly consequence: Consequence;
  /** The device's name. */
  readonly to: string;
  /** Where the node says so, where it does. */
  readonly property: string | undefined;
  /** For people, without the node's name: `refers to host1x@13e00000 (nvidia,host1x)`. */
  readonly why: string;
}

/** What the questions below are asked of. */
export interface Host {
  readonly tree: Tree;
  readonly phandles: Phandles;
  readonly referrers: ReadonlyMap<TreeNode, readonly Reference[]>;
  /** Every node that is a device, with what it could share. */
  readonly others: readonly Other[];
}

interface Other {
  readonly node: TreeNode;
  readonly streams: readonly Stream[];
  readonly lines: readonly Line[];
  readonly regions: ReturnType<typeof regionsOf>;
}

export function othersOf({ root }: Tree, phandles: Phandles): Other[] {
  return (
    [...walk(root)]
      .filter((node) => node.get('compatible') !== undefined && node.parent !== undefined)
      // Memory that is set aside for a device is none; whoever uses it refers to it.
      .filter(({ parent }) => parent?.path !== '/reserved-memory')
      .map((node) => ({
        node,
        streams: streamsOf(node, phandles),
        lines: linesOf(node, phandles),
        regions: node.get('reg') === undefined ? [] : regionsOf(node),
      }))
  );
}

/** Everything that hangs together with one device, apart from what it only uses. */
export function relatedTo(device: SelectedDevice, host: Host): Related[] {
  const found = [
    ...parentOf(device),
    ...childrenOf(device),
    ...sharing(device, host),
    ...byProfile(device, host),
    ...referrersTo(device, host),
    ...consoleOn(device, host),
  ];
  return found.filter(
    ({ node, relation, property }, at) =>
      at ===
      found.findIndex(
        (other) => other.node === node && other.relation === relation && other.property === property,
      ),
  );
}

/** A bus is none that a device depends on: Linux makes devices of what is on it by itself. */
const PLAIN_BUS = /^simple-(bus|mfd|pm-bus)$/;

function parentOf({ node, name }: SelectedDevice): Related[] {
  const parent = node?.parent;
  const compatible = readStrings(parent?.get('compatible')) ?? [];
  if (!parent?.parent || compatible.length === 0 || compatible.some((each) => PLAIN_BUS.test(each)))
    return [];
  return [
    {
      node: parent,
      relation: 'parent',
      consequence: isEnabled(parent) ? 'move' : 'none',
      to: name,
      property: undefined,
      why: `${name} lies in it: its driver makes the device, and gives it work or registers`,
    },
  ];
}

function childrenOf({ node, name }: SelectedDevice): Related[] {
  if (node === undefined) return [];
  return [...walk(node)]
    .filter((child) => child !== node && child.get('compatible') !== undefined)
    .map((child) => ({
      node: child,
      relation: 'child',
      consequence: isEnabled(child) ? 'gone' : 'none',
      to: name,
      property: undefined,
      why: `lies in ${name}`,
    }));
}

function sharing(device: SelectedDevice, { tree, phandles, others }: Host): Related[] {
  const { node, name, regions } = device;
  const streams = streamsOfDevice(device, tree, phandles);
  const lines = linesOfDevice(device, phandles);
  const own = new Set(node ? [node] : []);
  return others.flatMap((other): Related[] => {
    // What lies in the device, and what it lies in, share with it by nature.
    if (
      isStandInOf(other, device) ||
      isWithin(other.node, own) ||
      (node && isWithin(node, new Set([other.node])))
    )
      return [];
    const consequence = isEnabled(other.node) ? 'move' : 'none';
    const related = (relation: Relation, property: string, why: string): Related => ({
      node: other.node,
      relation,
      consequence,
      to: name,
      property,
      why,
    });
    const stream = other.streams.find((each) => streams.some((mine) => isSameStream(mine, each)));
    const line = other.lines.find((each) => lines.some((mine) => isSameLine(mine, each)));
    const range = other.regions.find((each) => regions.some((mine) => overlaps(mine, each)));
    return [
      ...(stream
        ? [
            related(
              'stream',
              stream.property,
              `has the same IOMMU stream as ${name} (${stream.name ?? stream.first}), and so is in its group`,
            ),
          ]
        : []),
      ...(line
        ? [related('interrupt', 'interrupts', `has the same interrupt as ${name} (${line.text})`)]
        : []),
      ...(range
        ? [related('registers', 'reg', `has registers of ${name} (0x${range.address.toString(16)})`)]
        : []),
    ];
  });
}

/** What holds this very device for VFIO, on a host that has been made ready. */
function isStandInOf({ node, regions }: Other, device: SelectedDevice): boolean {
  return isStandIn(node) && regions[0] !== undefined && regions[0].address === device.regions[0]?.address;
}

function byProfile({ profile, name }: SelectedDevice, { others }: Host): Related[] {
  return (profile?.host.disable ?? []).flatMap(({ node: end, reason }) =>
    others
      .filter(({ node }) => node.name === end || node.path.endsWith(`/${end}`))
      .map(
        ({ node }): Related => ({
          node,
          relation: 'profile',
          consequence: isEnabled(node) ? 'move' : 'none',
          to: name,
          property: undefined,
          why: reason,
        }),
      ),
  );
}

/** Who refers to the device or to something in it. */
function referrersTo({ node, name }: SelectedDevice, { referrers }: Host): Related[] {
  if (node === undefined) return [];
  const own = new Set([node]);
  return [...walk(node)].flatMap((target) =>
    (referrers.get(target) ?? [])
      .filter(({ from }) => !isWithin(from, own))
      .map(
        ({ from, property }): Related => ({
          node: from,
          relation: 'refers',
          consequence: isEnabled(from) ? 'breaks' : 'none',
          to: name,
          property,
          why: `refers to ${target === node ? name : shortNameOf(target)} by ${property}`,
        }),
      ),
  );
}

function consoleOn({ node, name }: SelectedDevice, { tree }: Host): Related[] {
  const chosen = tree.root.child('chosen');
  const path = readString(chosen?.get('stdout-path'));
  if (!chosen || path === undefined || node === undefined || resolvePath(tree, path) !== node) return [];
  return [
    {
      node: chosen,
      relation: 'console',
      consequence: 'breaks',
      to: name,
      property: 'stdout-path',
      why: `has the host's console on ${name}`,
    },
  ];
}
