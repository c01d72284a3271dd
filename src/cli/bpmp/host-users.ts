import type { DeviceOf } from '../../bpmp/policy/index.js';
import { phandlesOf } from '../../devicetree/index.js';
import { HostUsers } from '../../passthrough/index.js';
import { readTree } from '../dt/read-tree.js';

/** Which of a host's nodes use which clock, reset or domain, by its device tree: a blob, or the running kernel's. */
export async function readHostUsers(path: string): Promise<HostUsers> {
  const tree = await readTree(path);
  return new HostUsers(tree, [], phandlesOf(tree));
}

const MOST_NAMES = 3;

/** Whose a resource is, in a few words. */
export function deviceNames(users: HostUsers): DeviceOf {
  return (section, id) => {
    const all = users.of(section, id);
    const now = all.filter(({ isEnabled }) => isEnabled);
    const names = (now.length > 0 ? now : all).map(({ name }) => name);
    if (names.length === 0) return undefined;
    const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
    return `${names.slice(0, MOST_NAMES).join(', ')}${more}`;
  };
}
