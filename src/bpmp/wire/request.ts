import { GpuvmError } from '../../errors.js';
import { nearest } from '../../nearest.js';
import { classify } from './classify.js';
import type { CommandInfo, MrqInfo } from './family.js';
import { commandByName, commandOf, mrqByName, mrqs } from './mrqs.js';
import type { ChipNames } from './names.js';
import { newShape, ShapeStatus } from './shape.js';
import { toInteger } from './struct/scalars.js';
import { FieldError, type Struct } from './struct/struct.js';
import { fromHex, hex } from './struct/text.js';
import type { Named, Values } from './struct/value.js';
import { withoutUnit } from './units.js';

/**
 * A request by names, as JSON holds it. `ok` has the fields; `unknown` (no such MRQ or command) and `malformed` have
 * the bytes as hexadecimal digits and the reason, `malformed` also the fields as far as they can be read.
 */
export interface DecodedRequest {
  readonly status: 'ok' | 'unknown' | 'malformed';
  readonly mrq: Named;
  /** Absent where the MRQ has no commands or the payload ends before the command. */
  readonly command?: Named;
  readonly fields: Values;
  readonly bytes?: string;
  readonly reason?: string;
}

/** What can be encoded: a decoded request, or one written by hand, with names or numbers. */
export interface RequestInput {
  readonly mrq: number | string | Partial<Named>;
  readonly command?: number | string | Partial<Named> | undefined;
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Hexadecimal digits; sent as they are, whatever the fields say. */
  readonly bytes?: string | undefined;
}

export interface EncodedRequest {
  readonly mrq: number;
  readonly tx: Uint8Array;
}

function undecoded(tx: Uint8Array): { fields: Values; bytes: string } {
  return { fields: {}, bytes: hex(tx) };
}

/** What a request asks, by names where `names` has them. Takes any bytes and never throws. */
export function decodeRequest(mrq: number, tx: Uint8Array, names?: ChipNames): DecodedRequest {
  const shape = classify(mrq, tx, newShape());
  const family = mrqs.get(mrq);
  if (family === undefined) {
    return { status: 'unknown', mrq: { id: mrq }, ...undecoded(tx), reason: `the ABI has no MRQ ${mrq}` };
  }
  const named = { id: mrq, name: family.name };
  if (family.hasCommands && tx.length < 4) {
    const reason = `${family.name} needs 4 bytes for its command, got ${tx.length}`;
    return { status: 'malformed', mrq: named, ...undecoded(tx), reason };
  }
  const info = commandOf(mrq, shape.command);
  if (info === undefined) {
    const reason = `${family.name} has no command ${shape.command}`;
    return { status: 'unknown', mrq: named, command: { id: shape.command }, ...undecoded(tx), reason };
  }
  const head = family.hasCommands
    ? { mrq: named, command: { id: info.number, name: info.name } }
    : { mrq: named };
  const { values, problem } = info.request.read(tx, names);
  if (shape.status === ShapeStatus.OK) return { status: 'ok', ...head, fields: values };
  const reason =
    tx.length < info.minimum ? `needs ${info.minimum} bytes, got ${tx.length}` : (problem ?? 'is not whole');
  return {
    status: 'malformed',
    ...head,
    fields: values,
    bytes: hex(tx),
    reason: `${info.title} ${reason}`,
  };
}

function bad(message: string, details: Record<string, unknown> = {}): GpuvmError {
  return new GpuvmError('GPUVM_REQUEST', message, { details });
}

/** The number in what was given for an MRQ or a command; undefined where it is a name. */
function numberIn(given: number | string | Partial<Named>): number | undefined {
  const plain = typeof given === 'object' ? given.id : given;
  const whole = toInteger(plain);
  return whole === undefined || whole < 0n || whole > 0xffff_ffffn ? undefined : Number(whole);
}

function nameIn(given: number | string | Partial<Named>): string {
  return String(typeof given === 'object' ? (given.name ?? given.id) : given).slice(0, 64);
}

function didYouMean(name: string, candidates: Iterable<string>): string {
  const meant = nearest(name, candidates);
  return meant === undefined ? `one of ${[...candidates].join(', ')}` : `did you mean ${meant}?`;
}

/** The MRQ of a name or number. Throws GPUVM_REQUEST with the nearest name. */
export function resolveMrq(given: RequestInput['mrq']): MrqInfo {
  const number = numberIn(given);
  const family = number === undefined ? mrqByName(nameIn(given)) : mrqs.get(number);
  if (family) return family;
  const known = [...mrqs.values()].map((info) => info.name);
  const name = nameIn(given);
  throw bad(`unknown MRQ ${name}: ${didYouMean(name, known)}`, { name, nearest: nearest(name, known) });
}

/** The command of a name or number. Throws GPUVM_REQUEST with the nearest name. */
export function resolveCommand(family: MrqInfo, given: RequestInput['command']): CommandInfo {
  if (!family.hasCommands) return family.commands[0]!;
  const known = family.commands.map((command) => command.name);
  if (given === undefined) throw bad(`${family.name} needs a command: one of ${known.join(', ')}`);
  const number = numberIn(given);
  const info = number === undefined ? commandByName(family, nameIn(given)) : commandOf(family.number, number);
  if (info) return info;
  const name = nameIn(given);
  throw bad(`unknown command ${name} of ${family.name}: ${didYouMean(name, known)}`, {
    name,
    nearest: nearest(name, known),
  });
}

/** The bytes of a struct from its fields. Throws GPUVM_REQUEST that names the field and what it should be. */
export function writeFields(
  title: string,
  struct: Struct,
  fields: Readonly<Record<string, unknown>>,
  names: ChipNames | undefined,
  minimum: number,
): Uint8Array {
  const known = struct.placed.flatMap(({ item }) =>
    item.item === 'skip' || item.item === 'count' ? [] : [item.name],
  );
  for (const name of Object.keys(fields)) {
    if (known.includes(name)) continue;
    const unitless = known.find((field) => withoutUnit(field) === name);
    const help =
      known.length === 0 ? 'it has none' : unitless ? `did you mean ${unitless}?` : didYouMean(name, known);
    throw bad(`${title} has no field ${name.slice(0, 64)}: ${help}`, { field: name.slice(0, 64) });
  }
  try {
    return struct.write(fields, names, minimum);
  } catch (error) {
    if (error instanceof FieldError) throw bad(`${title}: ${error.message}`, { field: error.field });
    throw error;
  }
}

/**
 * The bytes of a request, as short as the header allows; the inverse of `decodeRequest`. Throws GPUVM_REQUEST for a
 * name that nobody has and a field that is missing or out of range.
 */
export function encodeRequest(request: RequestInput, names?: ChipNames): EncodedRequest {
  if (request.bytes !== undefined) {
    const tx = fromHex(request.bytes);
    if (tx === undefined) throw bad('bytes must be pairs of hexadecimal digits');
    return { mrq: numberIn(request.mrq) ?? resolveMrq(request.mrq).number, tx };
  }
  const family = resolveMrq(request.mrq);
  const info = resolveCommand(family, request.command);
  const tx = writeFields(info.title, info.request, request.fields ?? {}, names, info.minimum);
  const view = new DataView(tx.buffer, tx.byteOffset, tx.byteLength);
  if (family.place === 'word') view.setUint32(0, info.number, true);
  if (family.place === 'word-with-clock') view.setUint8(3, info.number);
  if (family.place === 'half-word-with-lane') view.setUint16(2, info.number, true);
  return { mrq: family.number, tx };
}
