import type { ChipNames } from '../wire/index.js';
import type { Rule } from './decision.js';
import type { Forward } from './forward.js';
import type { Grant } from './grant.js';
import type { PolicyWarning } from './problems.js';
import type { SectionName } from './resource-kind.js';
import type { SharedAnswer } from './rights.js';

export type View = 'filtered' | 'full';
export type Mode = 'enforce' | 'audit' | 'learn';

/** How fast a VM may ask: a token bucket. */
export interface Limit {
  readonly perSecond: number;
  readonly burst: number;
  /** Whether a request above the limit waits or is answered with -EAGAIN. */
  readonly exceeded: 'delay' | 'deny';
}

/** A grant and the line that made it. */
export interface GrantLine {
  readonly grant: Grant;
  readonly rule: Rule;
}

/** What a line of `mrqs:` says. */
export interface FamilyLine {
  /** By number; 0 is the one command of a family that has none. */
  readonly commands: ReadonlySet<number>;
  readonly rule: Rule;
}

/** What a line of `i2c:` says: 7-bit addresses. */
export interface BusLine {
  readonly addresses: ReadonlySet<number>;
  readonly rule: Rule;
}

/** A policy as it was read: names resolved, mistakes refused, nothing decided yet. */
export interface PolicyModel {
  readonly file: string;
  readonly text: string;
  readonly chip: ChipNames;
  readonly view: View;
  /** The `view:` line, where there is one. */
  readonly viewRule: Rule | undefined;
  readonly mode: Mode;
  readonly shared: SharedAnswer;
  readonly limit: Limit | undefined;
  readonly resources: Readonly<Record<SectionName, ReadonlyMap<number, GrantLine>>>;
  readonly families: ReadonlyMap<number, FamilyLine>;
  readonly buses: ReadonlyMap<number, BusLine>;
  /** What `learn.forward` names. */
  readonly forward: Forward | undefined;
  readonly warnings: readonly PolicyWarning[];
}
