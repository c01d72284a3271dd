import { GpuvmError } from '../../errors.js';
import { BpmpError } from './abi.js';
import { classify } from './classify.js';
import { commandOf, mrqs } from './mrqs.js';
import type { ChipNames } from './names.js';
import { type RequestInput, resolveCommand, resolveMrq, writeFields } from './request.js';
import { newShape, ShapeStatus } from './shape.js';
import { fromHex, hex } from './struct/text.js';
import type { Named, Values } from './struct/value.js';

/** A reply by names, as JSON holds it. `unknown` is the reply to a request that is unknown. */
export interface DecodedReply {
  readonly status: 'ok' | 'unknown' | 'malformed';
  readonly mrq: Named;
  readonly command?: Named;
  /** The firmware's return code: 0, or a negative `BPMP_E…`. */
  readonly ret: number;
  /** The return code's name, such as `EINVAL`. */
  readonly error?: string;
  /** Empty where `ret` is negative. */
  readonly fields: Values;
  /** Hexadecimal digits, where the bytes are not (only) the fields. */
  readonly bytes?: string;
  readonly reason?: string;
}

const errorNames = new Map<number, string>(Object.entries(BpmpError).map(([name, number]) => [number, name]));

/** `EINVAL` for -22; undefined for a code that the firmware has no name for. */
export function errorName(ret: number): string | undefined {
  return errorNames.get(ret);
}

/** What a reply says to the request `mrq`, `tx`. Takes any bytes and never throws. */
export function decodeReply(
  mrq: number,
  tx: Uint8Array,
  ret: number,
  rx: Uint8Array,
  names?: ChipNames,
): DecodedReply {
  const shape = classify(mrq, tx, newShape());
  const family = mrqs.get(mrq);
  const error = errorName(ret);
  const outcome = error === undefined ? { ret } : { ret, error };
  const raw = rx.length === 0 ? {} : { bytes: hex(rx) };
  const named = family ? { id: mrq, name: family.name } : { id: mrq };
  const readable = family !== undefined && !(family.hasCommands && tx.length < 4);
  const info = readable ? commandOf(mrq, shape.command) : undefined;
  if (info === undefined) {
    const command =
      readable && shape.status === ShapeStatus.UNKNOWN_COMMAND ? { command: { id: shape.command } } : {};
    return { status: 'unknown', mrq: named, ...command, ...outcome, fields: {}, ...raw };
  }
  const head = family!.hasCommands
    ? { mrq: named, command: { id: info.number, name: info.name } }
    : { mrq: named };
  if (ret < 0) {
    return { status: 'ok', ...head, ...outcome, fields: {}, ...(rx.some((byte) => byte !== 0) ? raw : {}) };
  }
  const { values, problem } = info.reply.read(rx, names);
  const short = rx.length < info.reply.fixedSize;
  if (!short && problem === undefined) return { status: 'ok', ...head, ...outcome, fields: values };
  const reason = short ? `needs ${info.reply.fixedSize} bytes, got ${rx.length}` : problem;
  return {
    status: 'malformed',
    ...head,
    ...outcome,
    fields: values,
    ...raw,
    reason: `the reply to ${info.title} ${reason}`,
  };
}

/** What can be encoded as a reply: a decoded one, or one written by hand. */
export interface ReplyInput extends RequestInput {
  readonly ret?: number;
}

/**
 * The bytes of a reply, the inverse of `decodeReply`. An error without fields has none. Throws GPUVM_REQUEST for a
 * name that nobody has and a field that is missing or out of range.
 */
export function encodeReply(reply: ReplyInput, names?: ChipNames): { ret: number; rx: Uint8Array } {
  const ret = reply.ret ?? 0;
  if (reply.bytes !== undefined) {
    const rx = fromHex(reply.bytes);
    if (rx === undefined) throw new GpuvmError('GPUVM_REQUEST', 'bytes must be pairs of hexadecimal digits');
    return { ret, rx };
  }
  const fields = reply.fields ?? {};
  if (ret < 0 && Object.keys(fields).length === 0) return { ret, rx: new Uint8Array() };
  const info = resolveCommand(resolveMrq(reply.mrq), reply.command);
  return {
    ret,
    rx: writeFields(`the reply to ${info.title}`, info.reply, fields, names, info.reply.fixedSize),
  };
}
