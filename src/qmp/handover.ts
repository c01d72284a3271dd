import { GpuvmError } from '../errors.js';
import { NO_ID } from './format.js';
import type { Greeting } from './message.js';
import type { InFlight } from './pending.js';
import type { Position } from './protocol.js';

/** What has to go along with a monitor's socket, so that its next owner loses nothing. JSON. */
export interface QmpState {
  readonly version: 1;
  readonly greeting: Greeting;
  readonly outOfBand: boolean;
  readonly nextId: number;
  /** Commands whose reply the next owner will get. */
  readonly inFlight: readonly InFlight[];
  /** Ids of commands that were given up on and may still be answered. */
  readonly late: readonly number[];
  /** The id in flight that descriptors went along with. */
  readonly withDescriptors?: number;
  /** The bytes read of a line that has not ended, base64. */
  readonly partial: string;
}

export function writeState(position: Position, greeting: Greeting, outOfBand: boolean): QmpState {
  const { ids, withDescriptors, partial } = position;
  return {
    version: 1,
    greeting,
    outOfBand,
    nextId: ids.next,
    inFlight: ids.inFlight,
    late: ids.late,
    ...(withDescriptors === undefined ? {} : { withDescriptors }),
    partial: Buffer.from(partial).toString('base64'),
  };
}

/** Throws GPUVM_USAGE where this is no state of a monitor's connection. */
export function readState(value: unknown): { position: Position; greeting: Greeting; outOfBand: boolean } {
  const state = value as Partial<QmpState> | null | undefined;
  if (
    typeof state !== 'object' ||
    state === null ||
    state.version !== 1 ||
    !isId(state.nextId) ||
    !Array.isArray(state.inFlight) ||
    !state.inFlight.every((one) => isId(one?.id, NO_ID) && typeof one.command === 'string') ||
    !Array.isArray(state.late) ||
    !state.late.every((id) => isId(id, NO_ID)) ||
    typeof state.partial !== 'string' ||
    typeof state.greeting?.version?.qemu?.major !== 'number'
  ) {
    throw new GpuvmError(
      'GPUVM_USAGE',
      "this is no state of a QMP connection as QmpClient's detach makes it",
    );
  }
  const { nextId: next, inFlight, late, withDescriptors, partial, greeting } = state as QmpState;
  return {
    position: { ids: { next, inFlight, late }, withDescriptors, partial: Buffer.from(partial, 'base64') },
    greeting,
    outOfBand: state.outOfBand === true,
  };
}

function isId(value: unknown, least = 1): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least;
}
