import { sharedRootClocks, tegra234 } from '../../bpmp/tegra234/index.js';
import type { ResourceTable } from '../../bpmp/wire/index.js';
import {
  isEnabled,
  type Phandles,
  readString,
  readStrings,
  specifiersOf,
  type Tree,
  type TreeNode,
  walk,
} from '../../devicetree/index.js';
import { isStandIn } from '../guest-tree/index.js';
import { isBpmp, shortNameOf } from '../names.js';
import type { KnownResource } from '../profiles/index.js';
import type { SelectedDevice } from './device.js';

export type ResourceKind = 'clocks' | 'resets' | 'powerDomains';

export const resourceKinds: readonly ResourceKind[] = ['clocks', 'resets', 'powerDomains'];
export const tableOf: Readonly<Record<ResourceKind, ResourceTable>> = {
  clocks: tegra234.clocks,
  resets: tegra234.resets,
  powerDomains: tegra234.powerDomains,
};

/** A clock that the whole chip hangs on, whoever names it. */
export function isSharedRoot(kind: ResourceKind, id: number): boolean {
  return kind === 'clocks' && sharedRootClocks.includes(id);
}

/** One place where a device says that it uses a clock, a reset or a power domain of the BPMP. */
export interface ResourceUse {
  /** The node that says it, by its short name: the device's own, or one below it. */
  readonly from: string;
  readonly kind: ResourceKind;
  readonly id: number;
  /** `clocks`, `assigned-clock-parents` …; `profile` where the host's tree does not say it and its profile does. */
  readonly property: string;
  /** What its driver calls it (`clock-names`). */
  readonly as: string | undefined;
  /** Which of the property's entries it is. */
  readonly index: number;
}

/** A node of the host that uses a resource, and whether it does now or only would, were it switched on. */
export interface HostUser {
  readonly name: string;
  readonly path: string;
  readonly property: string;
  readonly as: string | undefined;
  readonly isEnabled: boolean;
}

const properties: readonly (readonly [property: string, kind: ResourceKind, names: string | undefined])[] = [
  ['clocks', 'clocks', 'clock-names'],
  ['assigned-clocks', 'clocks', undefined],
  ['assigned-clock-parents', 'clocks', undefined],
  ['resets', 'resets', 'reset-names'],
  ['power-domains', 'powerDomains', 'power-domain-names'],
];

/** What one node says that it uses. */
export function usesOf(node: TreeNode, phandles: Phandles): ResourceUse[] {
  return properties.flatMap(([property, kind, namesProperty]) => {
    if (node.get(property) === undefined) return [];
    const names = namesProperty ? readStrings(node.get(namesProperty)) : undefined;
    return specifiersOf(node, property, phandles).flatMap(({ to, args: [id], index }) =>
      to && isBpmp(to) && id !== undefined
        ? [{ from: shortNameOf(node), kind, id, property, as: names?.[index], index }]
        : [],
    );
  });
}

/** What a device uses: by its node and those below it that go along, and what its profile knows beyond that. */
export function usesOfDevice(device: SelectedDevice, phandles: Phandles): ResourceUse[] {
  const { node, known, name } = device;
  const uses = node ? [node, ...childrenAlong(device)].flatMap((each) => usesOf(each, phandles)) : [];
  const beyond = resourceKinds.flatMap((kind) =>
    (known?.[kind] ?? []).flatMap((resource, index) => knownUse(name, kind, resource, index)),
  );
  return [
    ...uses,
    ...beyond.filter(({ kind, id }) => !uses.some((use) => use.kind === kind && use.id === id)),
  ];
}

/** The nodes below a device that the guest gets with it, as far as they are switched on. */
export function childrenAlong({ node, profile }: SelectedDevice): TreeNode[] {
  const along = profile?.guest.children ?? 'all';
  if (node === undefined || along === 'none') return [];
  return [...node.children]
    .filter((child) => along === 'all' || along.includes(child.name.replace(/@.*$/, '')))
    .flatMap((child) => [...walk(child)])
    .filter((child) => readString(child.get('status')) !== 'disabled');
}

function knownUse(
  from: string,
  kind: ResourceKind,
  { name, as }: KnownResource,
  index: number,
): ResourceUse[] {
  const id = tableOf[kind].idOf(name);
  return id === undefined ? [] : [{ from, kind, id, property: 'profile', as, index }];
}

/**
 * Who else uses each resource: every node of the tree that neither is one of these devices nor lies in one. A node that
 * must be switched off with one, by its profile, counts as switched off, and one that only holds a device for VFIO not at all.
 */
export class HostUsers {
  readonly #users = new Map<string, HostUser[]>();

  constructor(tree: Tree, devices: readonly SelectedDevice[], phandles: Phandles) {
    const moved = new Set(devices.flatMap(({ node }) => node ?? []));
    const off = new Set(
      devices.flatMap(({ profile }) => (profile?.host.disable ?? []).map(({ node }) => node)),
    );
    for (const node of walk(tree.root)) {
      // What holds a device for VFIO has its clocks and does not use them.
      if (isWithin(node, moved) || isStandIn(node)) continue;
      for (const { kind, id, property, as } of usesOf(node, phandles)) {
        const users = this.#users.get(`${kind} ${id}`) ?? [];
        if (users.some(({ path }) => path === node.path)) continue;
        const isOn = isEnabled(node) && !off.has(node.name);
        users.push({ name: shortNameOf(node), path: node.path, property, as, isEnabled: isOn });
        this.#users.set(`${kind} ${id}`, users);
      }
    }
  }

  of(kind: ResourceKind, id: number): readonly HostUser[] {
    return this.#users.get(`${kind} ${id}`) ?? [];
  }

  /** Every id of this kind that somebody who stays uses now. */
  usedNow(kind: ResourceKind): number[] {
    return [...this.#users].flatMap(([key, users]) => {
      const [of, id] = key.split(' ');
      return of === kind && users.some(({ isEnabled }) => isEnabled) ? [Number(id)] : [];
    });
  }
}

export function isWithin(node: TreeNode, nodes: ReadonlySet<TreeNode>): boolean {
  for (let at: TreeNode | undefined = node; at !== undefined; at = at.parent) if (nodes.has(at)) return true;
  return false;
}
