import type { Finding } from '../../finding.js';

/** Something in a guest's tree that does not hold for the VM. */
export interface TreeFinding extends Pick<Finding, 'id' | 'status'> {
  /** The node. */
  readonly path: string;
  readonly property: string | undefined;
  /** What is there, and what is wrong with it. */
  readonly what: string;
  /** The right value, or what to do. */
  readonly right: string;
  /** Corrects it in the tree that it was found in; undefined where the tree alone does not say how. */
  readonly mend: (() => void) | undefined;
}

/** One line for people. */
export function lineOf({ path, property, what, right }: TreeFinding): string {
  return `${path}: ${property === undefined ? '' : `${property}: `}${what}; right: ${right}`;
}

export const hex = (value: bigint | number) => `0x${value.toString(16)}`;
