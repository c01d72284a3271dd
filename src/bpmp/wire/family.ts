import { Mrq } from './abi.js';
import { field, type Item, skip } from './struct/items.js';
import { clock24 } from './struct/resources.js';
import { resource, u16 } from './struct/scalars.js';
import { Struct } from './struct/struct.js';

export type MrqName = keyof typeof Mrq;

/** Whether a request only asks, or leaves something changed behind: in the firmware, in hardware, or in memory. */
export type Effect = 'read' | 'change';

/** One command of an MRQ, as the families' tables have it. */
export interface CommandDefinition {
  readonly effect: Effect;
  readonly request?: readonly Item[];
  readonly reply?: readonly Item[];
  /** The header's minimum payload length, where it is not the size of the request's struct. */
  readonly minimum?: number;
  /** Sent by the BPMP to a CPU, never the other way. */
  readonly fromBpmp?: true;
  /** The id of `cmd_and_id` means nothing to this command. */
  readonly noId?: true;
}

/** Where an MRQ's request has its command. */
export type CommandPlace =
  /** It has none. */
  | 'none'
  /** The first word. */
  | 'word'
  /** Bits 31–24 of the first word; bits 23–0 are a clock. */
  | 'word-with-clock'
  /** The second half of the first word; the first half is a lane. */
  | 'half-word-with-lane';

/** What an MRQ's command is: its metadata, and the structs that its bytes are read and written by. */
export interface CommandInfo {
  readonly mrq: number;
  readonly mrqName: MrqName;
  /** 0 for an MRQ that has no commands. */
  readonly number: number;
  /** '' for an MRQ that has no commands. */
  readonly name: string;
  /** "CLK SET_RATE", or "PING" */
  readonly title: string;
  readonly effect: Effect;
  readonly fromBpmp: boolean;
  /** The least bytes of a request. */
  readonly minimum: number;
  /** What `Shape.id` names: 'clock', 'reset', 'powerDomain', 'thermalZone' …; undefined where it is -1. */
  readonly idKind: string | undefined;
  readonly idOffset: number;
  readonly idSize: number;
  readonly request: Struct;
  readonly reply: Struct;
}

export interface MrqInfo {
  readonly number: number;
  readonly name: MrqName;
  readonly place: CommandPlace;
  /** False where the MRQ has one form only; `commands` then has that form, with number 0 and an empty name. */
  readonly hasCommands: boolean;
  /** True where a request holds an address that the BPMP reads or writes at: never to be forwarded for a guest. */
  readonly passesAddresses: boolean;
  readonly commands: readonly CommandInfo[];
}

const heads: Record<CommandPlace, readonly Item[]> = {
  none: [],
  word: [skip(4)],
  'word-with-clock': [field('clock', clock24), skip(1)],
  'half-word-with-lane': [field('lane', resource('lane', u16)), skip(2)],
};

function compile(
  mrqName: MrqName,
  place: CommandPlace,
  number: number,
  name: string,
  definition: CommandDefinition,
): CommandInfo {
  const head = definition.noId ? [skip(4)] : heads[place];
  const request = new Struct([...head, ...(definition.request ?? [])]);
  const id = request.placed.find((at) => at.item.item === 'field' && at.item.type.resource !== undefined);
  const type = id?.item.item === 'field' ? id.item.type : undefined;
  const least = definition.minimum ?? request.fixedSize + (request.string ? 1 : 0);
  return {
    mrq: Mrq[mrqName],
    mrqName,
    number,
    name,
    title: name === '' ? mrqName : `${mrqName} ${name}`,
    effect: definition.effect,
    fromBpmp: definition.fromBpmp ?? false,
    // The header's list forgets the command word, or the id, in some rows; without them there is nothing to decide.
    minimum: Math.max(least, place === 'none' ? 0 : 4, id === undefined ? 0 : id.offset + type!.size),
    idKind: type?.resource,
    idOffset: id?.offset ?? 0,
    idSize: type?.size ?? 0,
    request,
    reply: new Struct(definition.reply ?? []),
  };
}

/** An MRQ with commands; the table must have each of them. */
export function family<Name extends string>(
  name: MrqName,
  place: Exclude<CommandPlace, 'none'>,
  numbers: Readonly<Record<Name, number>>,
  commands: Readonly<Record<Name, CommandDefinition>>,
  options: { passesAddresses?: true } = {},
): MrqInfo {
  return {
    number: Mrq[name],
    name,
    place,
    hasCommands: true,
    passesAddresses: options.passesAddresses ?? false,
    commands: (Object.keys(numbers) as Name[]).map((command) =>
      compile(name, place, numbers[command], command, commands[command]),
    ),
  };
}

/** An MRQ with one form only. */
export function single(
  name: MrqName,
  definition: CommandDefinition,
  options: { passesAddresses?: true } = {},
): MrqInfo {
  return {
    number: Mrq[name],
    name,
    place: 'none',
    hasCommands: false,
    passesAddresses: options.passesAddresses ?? false,
    commands: [compile(name, 'none', 0, '', definition)],
  };
}
