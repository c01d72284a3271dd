/** What a VM may do with one resource; each right includes those before it. */
export const RIGHTS = ['none', 'read', 'use', 'tune'] as const;
export type Right = (typeof RIGHTS)[number];

/** What a guest is told that changes a resource which is not its own. */
export type SharedAnswer = 'absorb' | 'deny';

export function includes(right: Right, needed: Right): boolean {
  return RIGHTS.indexOf(right) >= RIGHTS.indexOf(needed);
}

export function higher(a: Right, b: Right): Right {
  return includes(a, b) ? a : b;
}
