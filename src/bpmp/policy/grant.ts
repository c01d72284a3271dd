import { formatRate } from './rate.js';
import { type Action, Check, type ResourceKind } from './resource-kind.js';
import { includes, type Right, type SharedAnswer } from './rights.js';

/** What one line of `clocks:`, `resets:` or `powerDomains:` says. */
export interface Grant {
  /** Absent where the line lists commands alone. */
  readonly right?: Right;
  /** The commands that pass; absent where the right alone says so. */
  readonly commands?: readonly string[];
  readonly maxRateHz?: number;
  /** True where somebody else uses the resource too. */
  readonly shared?: boolean;
  readonly onShared?: SharedAnswer;
}

export const NO_GRANT: Grant = { right: 'none' };

/** True where the line gives anything at all, so that the VM sees the resource. */
export function grantsAnything(grant: Grant): boolean {
  return grant.commands === undefined ? (grant.right ?? 'none') !== 'none' : grant.commands.length > 0;
}

/**
 * True where the line lets the action through, be it to the firmware or only to be absorbed: of a shared resource
 * the changes of rate and parent take no more than `use`, because they are never carried out.
 */
export function permits(grant: Grant, action: Action, shared: boolean): boolean {
  if (grant.commands !== undefined && !grant.commands.includes(action.name)) return false;
  if (grant.right === undefined) return grant.commands !== undefined;
  return includes(grant.right, neededRight(action, shared));
}

export function neededRight(action: Action, shared: boolean): Exclude<Right, 'none'> {
  return shared && action.harmsOthers ? 'use' : action.needs;
}

/** True where a rate ceiling of this line can ever matter. */
export function canSetRate(grant: Grant, kind: ResourceKind): boolean {
  const action = kind.actions.find(({ check }) => check === Check.CEILING);
  return action !== undefined && permits(grant, action, false);
}

/** The line as it is written: `use`, `shared`, `{right: tune, maxRate: 1.3 GHz}`. */
export function formatGrant(grant: Grant): string {
  const shared = grant.shared === true;
  const parts: string[] = [];
  if (grant.right !== undefined)
    parts.push(`right: ${shared && grant.right === 'use' ? 'shared' : grant.right}`);
  if (shared && grant.right !== 'use') parts.push('shared: true');
  if (grant.maxRateHz !== undefined) parts.push(`maxRate: ${formatRate(grant.maxRateHz)}`);
  if (grant.onShared !== undefined) parts.push(`onShared: ${grant.onShared}`);
  if (grant.commands !== undefined) parts.push(`commands: [${grant.commands.join(', ')}]`);
  const [only = ''] = parts;
  return parts.length === 1 && only.startsWith('right: ')
    ? only.slice('right: '.length)
    : `{${parts.join(', ')}}`;
}
