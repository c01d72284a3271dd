import type { Backend } from '../backend/index.js';
import type { CompiledPolicy } from '../policy/index.js';
import { listParents } from './closure.js';

/**
 * Of these shared clocks, those that nobody but the guest can use: every clock that can hang on one is granted to the
 * guest alone, or is such a parent itself. A guest that enables its own clock enables these with it, so what it switched
 * on there may be switched off again; on any other parent the host may have come to depend meanwhile. A clock that has a
 * line of its own is what the line says.
 *
 * Asks the firmware for each clock's list of parents. Where one cannot be had, none is taken for private.
 */
export async function privateParents(
  clocks: readonly number[],
  policy: CompiledPolicy,
  backend: Backend,
): Promise<ReadonlySet<number>> {
  const children = new Map<number, number[]>();
  for (const clock of policy.chip.clocks.ids) {
    const parents = await listParents(clock, backend);
    if (parents === undefined) return new Set();
    for (const parent of parents) children.set(parent, [...(children.get(parent) ?? []), clock]);
  }
  const granted = new Set(policy.grantedClocks);
  const isGuests = (clock: number) => granted.has(clock) && !policy.isShared('clock', clock);
  const isPrivate = (clock: number, above: readonly number[]): boolean => {
    const below = children.get(clock) ?? [];
    // The firmware promises no circles, and nothing here depends on the promise.
    if (below.length === 0 || granted.has(clock) || above.includes(clock)) return false;
    return below.every((child) => isGuests(child) || isPrivate(child, [...above, clock]));
  };
  return new Set(clocks.filter((clock) => isPrivate(clock, [])));
}
