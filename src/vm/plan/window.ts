import type { VmConfig } from '../../config/index.js';
import type { PlanFinding } from './finding.js';
import type { MapEntry } from './memory-map.js';

/** A patched QEMU maps the window wherever it was told, and whatever was there is gone for the guest. */
export function checkWindow({ bridge }: VmConfig, map: readonly MapEntry[]): PlanFinding[] {
  const window = map.find(({ kind, inside }) => kind === 'bridge' && inside === undefined);
  if (!window || bridge.kind !== 'interposed') return [];
  const end = window.address + window.size;
  return map
    .filter((other) => other !== window && other.address < end && window.address < other.address + other.size)
    .map((other) => ({
      id: 'plan.window',
      status: 'warn',
      what: `bridge.guestAddress 0x${window.address.toString(16)} overlaps ${other.name}: is it the address that this QEMU has the window at?`,
      evidence: `${other.name} is at 0x${other.address.toString(16)} to 0x${(other.address + other.size - 1n).toString(16)}`,
      about: 'file',
      at: ['bridge', 'guestAddress'],
    }));
}
