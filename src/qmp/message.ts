import { GpuvmError } from '../errors.js';
import { MAX_NESTING, nestsTooDeep } from './nesting.js';

/** What a QMP server says first; docs/interop/qmp-spec of QEMU. */
export interface Greeting {
  readonly version: {
    readonly qemu: { readonly major: number; readonly minor: number; readonly micro: number };
    /** The distribution's own version, or empty. */
    readonly package: string;
  };
  /** What may be asked for with qmp_capabilities, "oob" for one. */
  readonly capabilities: readonly string[];
}

export interface QmpFailure {
  /** "GenericError", "CommandNotFound", "DeviceNotFound" … */
  readonly class: string;
  readonly desc: string;
}

export interface QmpEvent<Data = Readonly<Record<string, unknown>>> {
  readonly event: string;
  readonly data: Data;
  /** The server's wall clock in ms, fractional; NaN where the server could not tell. */
  readonly timeMs: number;
}

/** One line from a server, sorted into the four things that it can be. */
export type Message =
  | { readonly kind: 'greeting'; readonly greeting: Greeting }
  | { readonly kind: 'return'; readonly id: unknown; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: unknown; readonly error: QmpFailure }
  | { readonly kind: 'event'; readonly event: QmpEvent };

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function toGreeting(value: unknown): Greeting | undefined {
  const greeting = fields(value);
  const version = fields(greeting?.version);
  const qemu = fields(version?.qemu);
  if (greeting === undefined || version === undefined || qemu === undefined) return undefined;
  const { major, minor, micro } = qemu;
  if (typeof major !== 'number' || typeof minor !== 'number' || typeof micro !== 'number') return undefined;
  const offered = Array.isArray(greeting.capabilities) ? greeting.capabilities : [];
  return {
    version: { qemu: { major, minor, micro }, package: String(version.package ?? '') },
    capabilities: offered.filter((name) => typeof name === 'string'),
  };
}

function toFailure(value: unknown): QmpFailure | undefined {
  const failure = fields(value);
  if (typeof failure?.class !== 'string' || typeof failure.desc !== 'string') return undefined;
  return { class: failure.class, desc: failure.desc };
}

function toEvent(message: Fields): QmpEvent | undefined {
  if (typeof message.event !== 'string') return undefined;
  const { seconds, microseconds } = fields(message.timestamp) ?? {};
  // QEMU sends -1 for both where it has no clock.
  const known = typeof seconds === 'number' && typeof microseconds === 'number' && seconds >= 0;
  return {
    event: message.event,
    data: fields(message.data) ?? {},
    timeMs: known ? seconds * 1000 + microseconds / 1000 : Number.NaN,
  };
}

function sort(message: Fields): Message | undefined {
  if ('return' in message) return { kind: 'return', id: message.id, value: message.return };
  if ('error' in message) {
    const error = toFailure(message.error);
    return error && { kind: 'error', id: message.id, error };
  }
  if ('event' in message) {
    const event = toEvent(message);
    return event && { kind: 'event', event };
  }
  if ('QMP' in message) {
    const greeting = toGreeting(message.QMP);
    return greeting && { kind: 'greeting', greeting };
  }
  return undefined;
}

const SHOWN = 120;

/** Reads one line. Throws GPUVM_QMP_PROTOCOL where it is no QMP message. */
export function parseMessage(line: string): Message {
  let cause: unknown;
  try {
    if (nestsTooDeep(line)) throw new RangeError(`it nests deeper than ${MAX_NESTING}`);
    const message = fields(JSON.parse(line));
    const sorted = message && sort(message);
    if (sorted) return sorted;
  } catch (error) {
    cause = error;
  }
  const shown = line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line;
  throw new GpuvmError(
    'GPUVM_QMP_PROTOCOL',
    `the QMP server sent a line that is no QMP message: ${JSON.stringify(shown)}`,
    { cause, details: { line: shown } },
  );
}
