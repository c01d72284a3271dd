import { readStrings, type TreeNode } from '../../devicetree/index.js';
import { defineProfile } from './define.js';
import type { DeviceProfile, PropertyRule } from './profile.js';

/** The name of a host's device without its address: `gpu` of 17000000.gpu; engines in host1x have two, the last counts. */
export function baseNameOf(host: string): string {
  return host.replace(/^.*:/, '').replace(/^[0-9a-f]+\./, '');
}

/** The profile of a node by what it is compatible with, else by the device's name. */
export function profileOf(
  profiles: readonly DeviceProfile[],
  host: string,
  node: TreeNode | undefined,
): DeviceProfile | undefined {
  const compatible = readStrings(node?.get('compatible')) ?? [];
  const byCompatible = compatible.flatMap((each) =>
    profiles.filter(({ match }) => match.compatible.includes(each)),
  );
  const base = baseNameOf(host);
  return byCompatible[0] ?? profiles.find(({ match }) => match.nodes.includes(base));
}

/** For a device of which nothing is known but what the host's tree has. */
export function unknownProfile(host: string): DeviceProfile {
  const name = baseNameOf(host);
  return defineProfile({
    name,
    about: 'a device without a profile',
    match: { compatible: [], nodes: [name] },
    guest: { compatible: [] },
  });
}

/** The first rule that is about a property. */
export function ruleFor<T extends PropertyRule>(rules: readonly T[], property: string): T | undefined {
  return rules.find((rule) => isMeant(rule.property, property));
}

function isMeant(pattern: string, property: string): boolean {
  if (!pattern.includes('*')) return pattern === property;
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(property);
}
