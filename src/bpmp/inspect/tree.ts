import type { ClockState } from './clocks.js';

export interface Branch {
  readonly clock: ClockState;
  readonly depth: number;
}

/**
 * Clocks below their parents, as the kernel's clk_summary has them. A clock whose parent is not among them, or hangs on
 * itself by way of others, stands at the top.
 */
export function clockTree(clocks: readonly ClockState[]): Branch[] {
  const there = new Set(clocks.map(({ id }) => id));
  const children = new Map<number | undefined, ClockState[]>();
  for (const clock of clocks) {
    const above = clock.parent !== undefined && there.has(clock.parent) ? clock.parent : undefined;
    const siblings = children.get(above);
    if (siblings) siblings.push(clock);
    else children.set(above, [clock]);
  }
  const seen = new Set<number>();
  const branches: Branch[] = [];
  // A stack of its own: a firmware's chain may be as long as it likes.
  const grow = (roots: readonly ClockState[]) => {
    const stack = roots.toReversed().map((clock) => ({ clock, depth: 0 }));
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      if (seen.has(next.clock.id)) continue;
      seen.add(next.clock.id);
      branches.push(next);
      const { clock, depth } = next;
      for (const child of (children.get(clock.id) ?? []).toReversed())
        stack.push({ clock: child, depth: depth + 1 });
    }
  };
  grow(children.get(undefined) ?? []);
  for (const clock of clocks) if (!seen.has(clock.id)) grow([clock]);
  return branches;
}

/** The clocks that match, with all above them, so that a tree of them hangs together. */
export function withAncestors(
  clocks: readonly ClockState[],
  matches: (clock: ClockState) => boolean,
): ClockState[] {
  const byId = new Map(clocks.map((clock) => [clock.id, clock]));
  const kept = new Set<number>();
  for (const clock of clocks) {
    if (!matches(clock)) continue;
    for (let at: ClockState | undefined = clock; at && !kept.has(at.id); ) {
      kept.add(at.id);
      at = at.parent === undefined ? undefined : byId.get(at.parent);
    }
  }
  return clocks.filter(({ id }) => kept.has(id));
}

/** Whether a name matches `*` and `?`, in any case; a plain word matches itself alone. */
export function globMatcher(glob: string): (name: string) => boolean {
  const pattern = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.');
  const expression = new RegExp(`^${pattern}$`, 'i');
  return (name) => expression.test(name);
}
