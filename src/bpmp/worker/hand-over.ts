import { GpuvmError } from '../../errors.js';
import type { SavedMediator } from '../mediator/index.js';
import type { SavedLearner } from '../policy/index.js';
import type { BridgeConfig, NamedFd } from './config.js';

/** Of the state that one process passes on and another takes over; both must be of the same version. */
export const STATE_VERSION = 1;

/** What a bridge passes on to its successor in another process. */
export interface HandOver {
  /** Copies; the caller's. */
  readonly fds: readonly NamedFd[];
  /** JSON; see {@link HandOverState}. */
  readonly state: unknown;
}

/** What is not in the memory that goes along as a descriptor, because it may be lost when a process is killed. */
export interface HandOverState {
  readonly version: typeof STATE_VERSION;
  readonly vm: string;
  readonly kind: BridgeConfig['bridge']['kind'];
  readonly mediator: SavedMediator;
  /** Clocks above the granted ones, which the BPMP was asked for. */
  readonly parents: readonly number[];
  /** In mode `learn`. */
  readonly learner?: SavedLearner;
}

/** Throws GPUVM_HAND_OVER where the state is not that of this VM, or of another version of gpuvm. */
export function readState(state: unknown, { vm, bridge }: BridgeConfig): HandOverState {
  const { version, vm: theirs, kind, mediator, parents } = (state ?? {}) as Partial<HandOverState>;
  if (version !== STATE_VERSION) {
    throw cannotTakeOver(`its state is of version ${String(version)}, and this gpuvm's is ${STATE_VERSION}`);
  }
  if (theirs !== vm || kind !== bridge.kind) {
    throw cannotTakeOver(
      `its state is that of ${String(theirs)} (${String(kind)}), not of ${vm} (${bridge.kind})`,
    );
  }
  const isWhole =
    Array.isArray(parents) &&
    parents.every(Number.isSafeInteger) &&
    Array.isArray(mediator?.statistics?.cells);
  if (!isWhole) throw cannotTakeOver('its state is incomplete');
  return state as HandOverState;
}

export function cannotTakeOver(why: string): GpuvmError {
  return new GpuvmError(
    'GPUVM_HAND_OVER',
    `the running guest cannot be taken over: ${why}: the VM is to be ended`,
  );
}
