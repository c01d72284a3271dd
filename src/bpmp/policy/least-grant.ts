import { type Grant, NO_GRANT, neededRight, permits } from './grant.js';
import type { Need } from './need.js';
import { Check, type ResourceKind } from './resource-kind.js';
import { higher, type Right, type SharedAnswer } from './rights.js';
import type { Want } from './seen.js';

export interface ResourceSeen {
  readonly want: Want;
  readonly need: Extract<Need, { kind: 'resource' }>;
}

/**
 * The least that one line has to give for these requests about its resource to fare as they did: no right higher than
 * used, no rate faster than set, shared where a change was absorbed; the commands by name where the right alone would let
 * something pass that was denied.
 */
export function leastGrant(
  kind: ResourceKind,
  seen: readonly ResourceSeen[],
  isRoot: boolean,
  onShared: SharedAnswer,
): Grant {
  const passing = seen.filter(({ want }) => want !== 'deny');
  const denied = seen.filter(({ want }) => want === 'deny');
  if (passing.length === 0) return NO_GRANT;
  const absorbed = passing.some(({ want }) => want === 'absorb');
  const isShared = isRoot || absorbed;
  const right = passing.reduce<Right>(
    (so, { need }) => higher(so, neededRight(need.action, isShared)),
    'none',
  );
  const fastest = Math.max(...passing.map(({ need }) => need.rateHz ?? 0));
  const setsRate = !isShared && passing.some(({ need }) => need.rateHz !== undefined);
  const rest: Omit<Grant, 'right'> = {
    ...(isShared && right === 'use' && { shared: true }),
    ...(absorbed && onShared === 'deny' && { onShared: 'absorb' as const }),
    ...(setsRate && Number.isFinite(fastest) && { maxRateHz: Math.max(1, fastest) }),
  };
  const parentsDecide = passing.some(({ need }) => need.action.check === Check.PARENT);
  const leaks = (grant: Grant) =>
    denied.some(({ need }) => {
      // Whether it may be put there is said by the other clock's line, unless it is shared and the change absorbed.
      if (need.action.check === Check.PARENT && parentsDecide && !isShared) return false;
      return lets(grant, need, isRoot, onShared);
    });
  const byRight: Grant = { right, ...rest };
  if (!leaks(byRight)) return byRight;
  const names = new Set(passing.map(({ need }) => need.action.name));
  const commands = [...new Set(kind.actions.map(({ name }) => name))].filter((name) => names.has(name));
  const byCommands: Grant = { commands, ...rest };
  // PG SET_STATE is one command in two directions.
  if (!leaks(byCommands) || passing.some(({ need }) => need.action.harmsOthers)) return byCommands;
  return { right: 'use', shared: true, onShared: 'deny' };
}

function lets(
  grant: Grant,
  { action, rateHz }: ResourceSeen['need'],
  isRoot: boolean,
  onShared: SharedAnswer,
): boolean {
  const isShared = isRoot || grant.shared === true;
  if (!permits(grant, action, isShared)) return false;
  if (isShared && action.harmsOthers) return (grant.onShared ?? onShared) !== 'deny';
  if (rateHz !== undefined && rateHz < 0) return false;
  return rateHz === undefined || grant.maxRateHz === undefined || rateHz <= grant.maxRateHz;
}
