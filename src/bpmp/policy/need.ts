import { type ChipNames, commandOf, Mrq, mrqs, type Shape, ShapeStatus } from '../wire/index.js';
import { addressesOf } from './i2c.js';
import { type Action, Check, PG_OFF_SLOT, resourceKinds, type SectionName } from './resource-kind.js';

/** What a request takes to pass. */
export type Need =
  | {
      readonly kind: 'resource';
      readonly section: SectionName;
      readonly id: number;
      readonly action: Action;
      /** Of SET_RATE; Infinity above what a ceiling can be, -1 below 0. */
      readonly rateHz: number | undefined;
      /** Of SET_PARENT. */
      readonly parent: number | undefined;
    }
  | { readonly kind: 'family'; readonly mrq: number; readonly command: number }
  | { readonly kind: 'bus'; readonly bus: number; readonly addresses: readonly number[] }
  /** No line of a policy can let it pass. */
  | { readonly kind: 'never'; readonly why: string };

const never = (why: string): Need => ({ kind: 'never', why });

/**
 * What the request takes, whether or not it is granted.
 * @param options.anyPayload - tell what it takes of the resource also where its payload can never be allowed: of what is
 * shared, a change is absorbed whatever it says
 */
export function needOf(
  shape: Shape,
  tx: Uint8Array,
  chip: ChipNames,
  options: { readonly anyPayload?: boolean } = {},
): Need {
  const { mrq, command, id } = shape;
  if (shape.status === ShapeStatus.UNKNOWN_MRQ) return never('the ABI has no such MRQ');
  const family = mrqs.get(mrq);
  if (family?.passesAddresses) {
    return never('its requests hold addresses at which the firmware reads or writes memory');
  }
  if (shape.status === ShapeStatus.UNKNOWN_COMMAND) return never('the ABI has no such command');
  if (shape.status === ShapeStatus.TRUNCATED) return never('it is shorter than its MRQ and command take');
  if (commandOf(mrq, command)?.fromBpmp) return never('it is sent by the firmware, never by a guest');
  if (mrq === Mrq.I2C) {
    const addresses = addressesOf(tx);
    if (addresses === undefined || id > 15)
      return never('it has no segment or a broken one, a 10-bit address or an unknown bus');
    return { kind: 'bus', bus: id, addresses };
  }
  const kind = resourceKinds.find((known) => known.mrq === mrq);
  if (kind === undefined || kind.general.some((known) => known.command === command)) {
    return { kind: 'family', mrq, command };
  }
  const view = new DataView(tx.buffer, tx.byteOffset, tx.byteLength);
  let slot = command;
  if (kind.section === 'powerDomains' && kind.actions[0]?.command === command) {
    const state = view.getUint32(8, true);
    if (state > 1) return never(`${chip.chip} knows the power states 0 (off) and 1 (on), not ${state}`);
    if (state === 0) slot = PG_OFF_SLOT;
  }
  const action = kind.actions.find((known) => known.slot === slot);
  if (action === undefined) return never('the ABI has no such command');
  const table = kind.table(chip);
  if (table.nameOf(id) === undefined) return never(`${chip.chip} has no ${table.kind} ${id}`);
  const hasRate = action.check === Check.RATE || action.check === Check.CEILING;
  const rate = hasRate ? view.getBigInt64(8, true) : undefined;
  if (rate !== undefined && rate < 0n && !options.anyPayload) return never('a rate is never negative');
  const parent = action.check === Check.PARENT ? view.getUint32(4, true) : undefined;
  const rateHz = action.check === Check.CEILING && rate !== undefined ? ceilingFor(rate) : undefined;
  return { kind: 'resource', section: kind.section, id, action, rateHz, parent };
}

function ceilingFor(rate: bigint): number {
  if (rate < 0n) return -1;
  return rate > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(rate);
}
