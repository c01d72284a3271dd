import type { CompiledPolicy } from '../../bpmp/policy/index.js';
import {
  isEnabled,
  phandlesOf,
  type Reference,
  readStrings,
  specifiersOf,
  type Tree,
  type TreeNode,
  walk,
} from '../../devicetree/index.js';
import { type ResourceKind, tableOf } from '../analysis/index.js';
import type { Expectations } from './expectations.js';
import type { TreeFinding } from './finding.js';

const kindOf: Readonly<Record<string, ResourceKind>> = {
  clocks: 'clocks',
  'assigned-clocks': 'clocks',
  'assigned-clock-parents': 'clocks',
  resets: 'resets',
  'power-domains': 'powerDomains',
};

/** What the guest's devices ask the BPMP for, and the policy does not grant: a finding for each property. */
export function* checkGrants(tree: Tree, { policy }: Expectations): Generator<TreeFinding> {
  // The others deny nothing.
  if (policy === undefined || policy.compiled.mode !== 'enforce') return;
  const isGranted = grantsOf(policy.compiled);
  const phandles = phandlesOf(tree);
  for (const node of walk(tree.root)) {
    if (!isEnabled(node)) continue;
    for (const [property, kind] of Object.entries(kindOf)) {
      const references = specifiersOf(node, property, phandles).filter(ofBpmp);
      const ids = [...new Set(references.map(({ args }) => args[0]!))];
      const missing = ids.filter((id) => !isGranted(kind, id));
      if (missing.length > 0) yield notGranted(node, property, kind, missing, policy.file);
    }
  }
}

function ofBpmp({ to, args }: Reference): boolean {
  const compatible = readStrings(to?.get('compatible')) ?? [];
  return args.length === 1 && compatible.includes('nvidia,tegra186-bpmp');
}

function grantsOf(policy: CompiledPolicy): (kind: ResourceKind, id: number) => boolean {
  const granted = {
    resets: new Set(policy.grantedResets),
    powerDomains: new Set(policy.grantedPowerDomains),
  };
  return (kind, id) => (kind === 'clocks' ? policy.isClockGranted(id) : granted[kind].has(id));
}

const nouns: Readonly<Record<ResourceKind, string>> = {
  clocks: 'clock',
  resets: 'reset',
  powerDomains: 'power domain',
};

function notGranted(
  node: TreeNode,
  property: string,
  kind: ResourceKind,
  ids: readonly number[],
  file: string,
): TreeFinding {
  const names = ids.map((id) => tableOf[kind].nameOf(id));
  const list = ids.map((id, index) => (names[index] === undefined ? String(id) : `${names[index]} (${id})`));
  const isKnown = names.every((name) => name !== undefined);
  return {
    id: 'guest-tree.grant',
    status: 'warn',
    path: node.path,
    property,
    what: `the policy does not grant ${nouns[kind]}${ids.length === 1 ? '' : 's'} ${list.join(', ')}`,
    right: isKnown
      ? `${kind}: [${names.join(', ')}] granted in ${file}, or no such entries`
      : `${nouns[kind]}s that Tegra234 has`,
    mend: undefined,
  };
}
