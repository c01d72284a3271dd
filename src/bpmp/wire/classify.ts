import type { CommandInfo } from './family.js';
import { mrqs } from './mrqs.js';
import { type Shape, ShapeStatus } from './shape.js';

/** What deciding whether a request is whole takes, laid out so that the hot path follows one pointer per step. */
interface Entry {
  readonly minimum: number;
  /** -1 where the request names no resource. */
  readonly idOffset: number;
  readonly idSize: number;
  /** Where the text that must end within `stringMax` bytes begins; -1 where there is none. */
  readonly stringOffset: number;
  readonly stringMax: number;
  /** Where the list's count is; -1 where there is no list. */
  readonly countOffset: number;
  readonly countSize: number;
  readonly listOffset: number;
  readonly listMax: number;
  readonly elementSize: number;
}

interface Row {
  /** Bytes that must be there for the command to be seen: 4, or 0 where there is none. */
  readonly headSize: number;
  /** How far right the first word is shifted to leave the command. */
  readonly commandShift: number;
  /** By command number; what is not there is unknown. */
  readonly entries: ReadonlyArray<Entry | undefined>;
}

const shifts = { none: 0, word: 0, 'word-with-clock': 24, 'half-word-with-lane': 16 } as const;

function entryOf(command: CommandInfo): Entry {
  const { request } = command;
  const { list, string, count } = request;
  return {
    minimum: command.minimum,
    idOffset: command.idKind === undefined ? -1 : command.idOffset,
    idSize: command.idSize,
    stringOffset: string?.offset ?? -1,
    stringMax: string?.item.max ?? 0,
    countOffset: count?.offset ?? -1,
    countSize: count?.item.type.size ?? 0,
    listOffset: list?.offset ?? 0,
    listMax: list?.item.max ?? 0,
    elementSize: list?.item.element.size ?? 0,
  };
}

const rows: Array<Row | undefined> = [];
for (const info of mrqs.values()) {
  const entries: Array<Entry | undefined> = [];
  for (const command of info.commands) entries[command.number] = entryOf(command);
  rows[info.number] = {
    headSize: info.hasCommands ? 4 : 0,
    commandShift: shifts[info.place],
    entries: Array.from(entries),
  };
}
const table: ReadonlyArray<Row | undefined> = Array.from(rows);

function word(tx: Uint8Array, offset: number): number {
  return (tx[offset]! | (tx[offset + 1]! << 8) | (tx[offset + 2]! << 16) | (tx[offset + 3]! << 24)) >>> 0;
}

/** The id at its full width, from bytes that are there. */
function idAt(tx: Uint8Array, offset: number, size: number): number {
  if (size === 4) return word(tx, offset);
  if (size === 3) return tx[offset]! | (tx[offset + 1]! << 8) | (tx[offset + 2]! << 16);
  if (size === 2) return tx[offset]! | (tx[offset + 1]! << 8);
  return tx[offset]!;
}

/** Whether the parts that give their own length end within the payload. */
function isWhole(entry: Entry, tx: Uint8Array): boolean {
  if (entry.stringOffset >= 0) {
    const end = Math.min(tx.length, entry.stringOffset + entry.stringMax);
    let at = entry.stringOffset;
    while (at < end && tx[at] !== 0) at++;
    if (at === end) return false;
  }
  if (entry.countOffset >= 0) {
    const count = idAt(tx, entry.countOffset, entry.countSize);
    if (count > entry.listMax || entry.listOffset + count * entry.elementSize > tx.length) return false;
  }
  return true;
}

/**
 * The shape of a request, into `into`. Commands and ids keep all bits that the firmware looks at, so that none
 * passes for another. A request is longer than it must be more often than not (a mailbox always carries 120 bytes):
 * only a minimum applies. An id that is beyond a short payload is -1. Allocates nothing and never throws.
 */
export function classify(mrq: number, tx: Uint8Array, into: Shape): Shape {
  into.mrq = mrq;
  into.command = 0;
  into.id = -1;
  const row = mrq >= 0 && mrq < table.length ? table[mrq] : undefined;
  if (row === undefined) {
    into.status = ShapeStatus.UNKNOWN_MRQ;
    return into;
  }
  if (tx.length < row.headSize) {
    into.status = ShapeStatus.TRUNCATED;
    return into;
  }
  const command = row.headSize === 0 ? 0 : word(tx, 0) >>> row.commandShift;
  into.command = command;
  const entry = command < row.entries.length ? row.entries[command] : undefined;
  if (entry === undefined) {
    into.status = ShapeStatus.UNKNOWN_COMMAND;
    return into;
  }
  if (entry.idOffset >= 0 && entry.idOffset + entry.idSize <= tx.length) {
    into.id = idAt(tx, entry.idOffset, entry.idSize);
  }
  into.status = tx.length >= entry.minimum && isWhole(entry, tx) ? ShapeStatus.OK : ShapeStatus.TRUNCATED;
  return into;
}
