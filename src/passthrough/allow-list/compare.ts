import type { Policy } from '../../bpmp/policy/index.js';
import { sharedRootClocks } from '../../bpmp/tegra234/index.js';
import { readCells, type TreeNode } from '../../devicetree/index.js';
import { type ResourceKind, resourceKinds, tableOf } from '../analysis/index.js';
import type { AllowEntry, AllowList } from './allow-list.js';
import { allowedProperty } from './properties.js';

/** What somebody lets a VM use already: the `allowed-*` of a node, or a policy. */
export interface Present {
  readonly from: string;
  readonly ids: Readonly<Record<ResourceKind, ReadonlySet<number>>>;
  /** Undefined for a node, which knows of no such thing. */
  readonly isShared: ((kind: ResourceKind, id: number) => boolean) | undefined;
}

export interface Named {
  readonly id: number;
  readonly name: string;
}

export interface Comparison {
  readonly missing: readonly AllowEntry[];
  readonly superfluous: readonly Named[];
  /** A clock that others may hang on, and nobody asked the BPMP whether these do. */
  readonly unknown: readonly Named[];
  /** The host uses it, and the policy gives it to the VM alone. */
  readonly notShared: readonly AllowEntry[];
}

export function presentInNode(node: TreeNode): Present {
  const idsOf = (kind: ResourceKind) => new Set(readCells(node.get(allowedProperty[kind])) ?? []);
  return {
    from: node.path,
    ids: { clocks: idsOf('clocks'), resets: idsOf('resets'), powerDomains: idsOf('powerDomains') },
    isShared: undefined,
  };
}

export function presentInPolicy(policy: Policy): Present {
  const compiled = policy.compile();
  const kindOf = { clocks: 'clock', resets: 'reset', powerDomains: 'powerDomain' } as const;
  return {
    from: policy.file,
    ids: {
      clocks: new Set(compiled.grantedClocks),
      resets: new Set(compiled.grantedResets),
      powerDomains: new Set(compiled.grantedPowerDomains),
    },
    isShared: (kind, id) => compiled.isShared(kindOf[kind], id),
  };
}

/** Holds what is allowed already against what the devices need. */
export function compareAllowed(list: AllowList, present: Present): Record<ResourceKind, Comparison> {
  const [clocks, resets, powerDomains] = resourceKinds.map((kind) => compareKind(kind, list, present));
  return { clocks: clocks!, resets: resets!, powerDomains: powerDomains! };
}

function compareKind(kind: ResourceKind, list: AllowList, { ids, isShared }: Present): Comparison {
  const needed = list[kind];
  const there = ids[kind];
  const surplus = [...there]
    .filter((id) => !needed.some((entry) => entry.id === id))
    .map((id) => ({ id, name: tableOf[kind].nameOf(id) ?? String(id) }));
  const mayBeParent = ({ id }: Named) => kind === 'clocks' && !list.isClosed && sharedRootClocks.includes(id);
  // A policy's VM gets parents without a line: the mediator asks for them itself.
  const isImplied = ({ devices }: AllowEntry) => isShared !== undefined && devices.length === 0;
  return {
    missing: needed.filter((entry) => !there.has(entry.id) && !isImplied(entry)),
    superfluous: surplus.filter((each) => !mayBeParent(each)),
    unknown: surplus.filter(mayBeParent),
    notShared: needed.filter(
      ({ id, shared }) => shared && isShared !== undefined && there.has(id) && !isShared(kind, id),
    ),
  };
}

export function isEqual(comparison: Record<ResourceKind, Comparison>): boolean {
  return resourceKinds.every((kind) => {
    const { missing, superfluous, notShared } = comparison[kind];
    return missing.length + superfluous.length + notShared.length === 0;
  });
}
