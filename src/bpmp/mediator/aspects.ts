import {
  ClkCommand,
  DebugCommand,
  Mrq,
  PgCommand,
  ResetCommand,
  type Shape,
  ThermalCommand,
} from '../wire/index.js';

/** The kinds of state that a guest can change through a BPMP and that has to be given back. */
export const Aspect = {
  CLOCK_STATE: 0,
  CLOCK_RATE: 1,
  CLOCK_PARENT: 2,
  RESET: 3,
  DOMAIN: 4,
  DEBUG_FILE: 5,
  THERMAL_TRIP: 6,
} as const;
export type Aspect = (typeof Aspect)[keyof typeof Aspect];

/** A request that the mediator itself sends. */
export interface OwnRequest {
  readonly mrq: number;
  readonly tx: Uint8Array;
}

/**
 * What one kind of state is called, how to ask for its value, and how to set it back. Values are the wire's: 0 or 1
 * for a clock's state, Hz for a rate, a clock id for a parent, 0 (asserted) or 1 for a reset, a PG state for a domain,
 * 1 for a trip that is set.
 * Layouts after `struct mrq_clk_request`, `mrq_reset_request`, `mrq_pg_request`, `mrq_debug_request` and
 * `mrq_thermal_host_to_bpmp_request` in bpmp-abi.h.
 */
export interface AspectSpec {
  readonly kind:
    | 'clock'
    | 'clock rate'
    | 'clock parent'
    | 'reset'
    | 'power domain'
    | 'debug file'
    | 'thermal trip';
  /** Absent where the firmware offers no such question. */
  readonly ask?: (id: number) => OwnRequest;
  /** Bytes of the answer: 4 for a u32, 8 for an s64. */
  readonly answerSize: 4 | 8;
  /** The value before the guest's first change where it cannot be asked for. */
  readonly assumed: number | undefined;
  readonly set: (id: number, value: number) => OwnRequest;
  readonly print: (value: number) => string;
}

const onOff = (value: number): string => (value === 0 ? 'off' : 'on');

export const aspects: Readonly<Record<Aspect, AspectSpec>> = {
  [Aspect.CLOCK_STATE]: {
    kind: 'clock',
    ask: (id) => clk(ClkCommand.IS_ENABLED, id),
    answerSize: 4,
    // A clock whose state cannot be read counts as off before: what the guest switched on is switched off.
    assumed: 0,
    set: (id, value) => clk(value === 0 ? ClkCommand.DISABLE : ClkCommand.ENABLE, id),
    print: onOff,
  },
  [Aspect.CLOCK_RATE]: {
    kind: 'clock rate',
    ask: (id) => clk(ClkCommand.GET_RATE, id),
    answerSize: 8,
    assumed: undefined,
    set: (id, value) => {
      const request = clk(ClkCommand.SET_RATE, id);
      new DataView(request.tx.buffer).setBigInt64(8, BigInt(value), true);
      return request;
    },
    print: (value) => `${value} Hz`,
  },
  [Aspect.CLOCK_PARENT]: {
    kind: 'clock parent',
    ask: (id) => clk(ClkCommand.GET_PARENT, id),
    answerSize: 4,
    assumed: undefined,
    set: (id, value) => {
      const request = clk(ClkCommand.SET_PARENT, id);
      new DataView(request.tx.buffer).setUint32(4, value, true);
      return request;
    },
    print: (value) => `clock ${value}`,
  },
  [Aspect.RESET]: {
    kind: 'reset',
    answerSize: 4,
    // The firmware does not tell; a device without a guest is held in reset.
    assumed: 0,
    set: (id, value) => words(Mrq.RESET, value === 0 ? ResetCommand.ASSERT : ResetCommand.DEASSERT, id),
    print: (value) => (value === 0 ? 'asserted' : 'deasserted'),
  },
  [Aspect.DOMAIN]: {
    kind: 'power domain',
    ask: (id) => words(Mrq.PG, PgCommand.GET_STATE, id, 0),
    answerSize: 4,
    assumed: 0,
    set: (id, value) => words(Mrq.PG, PgCommand.SET_STATE, id, value),
    print: onOff,
  },
  [Aspect.DEBUG_FILE]: {
    kind: 'debug file',
    answerSize: 4,
    assumed: 0,
    set: (id) => words(Mrq.DEBUG, DebugCommand.CLOSE, id),
    print: (value) => (value === 0 ? 'closed' : 'open'),
  },
  [Aspect.THERMAL_TRIP]: {
    kind: 'thermal trip',
    answerSize: 4,
    // The firmware does not tell. It keeps one for each zone, so a guest that sets it has taken the host's already.
    assumed: 0,
    set: (id, value) => words(Mrq.THERMAL, ThermalCommand.SET_TRIP, id, 0, 0, value),
    print: (value) => (value === 0 ? 'none' : 'set'),
  },
};

/** What state a request would change, or undefined where it changes none that is accounted for. */
export function aspectOf(shape: Shape): Aspect | undefined {
  const { mrq, command } = shape;
  if (mrq === Mrq.CLK) {
    if (command === ClkCommand.ENABLE || command === ClkCommand.DISABLE) return Aspect.CLOCK_STATE;
    if (command === ClkCommand.SET_RATE) return Aspect.CLOCK_RATE;
    return command === ClkCommand.SET_PARENT ? Aspect.CLOCK_PARENT : undefined;
  }
  if (mrq === Mrq.RESET) return command === ResetCommand.GET_MAX_ID ? undefined : Aspect.RESET;
  if (mrq === Mrq.PG) return command === PgCommand.SET_STATE ? Aspect.DOMAIN : undefined;
  if (mrq === Mrq.THERMAL) return command === ThermalCommand.SET_TRIP ? Aspect.THERMAL_TRIP : undefined;
  if (mrq === Mrq.DEBUG) return Aspect.DEBUG_FILE;
  return undefined;
}

/**
 * The value that a request which succeeded has left behind; the firmware's answer over the guest's wish, since a
 * rate is rounded.
 */
export function valueAfter(aspect: Aspect, command: number, tx: Uint8Array, reply: Uint8Array): number {
  switch (aspect) {
    case Aspect.CLOCK_STATE:
      return command === ClkCommand.ENABLE ? 1 : 0;
    case Aspect.CLOCK_RATE:
      return reply.length >= 8 ? readInt64(reply, 0) : readInt64(tx, 8);
    case Aspect.CLOCK_PARENT:
      return readUint32(reply.length >= 4 ? reply : tx, reply.length >= 4 ? 0 : 4);
    case Aspect.RESET:
      // MODULE pulses the line and leaves it deasserted.
      return command === ResetCommand.ASSERT ? 0 : 1;
    case Aspect.DOMAIN:
      return readUint32(tx, 8);
    case Aspect.DEBUG_FILE:
      return command === DebugCommand.CLOSE ? 0 : 1;
    case Aspect.THERMAL_TRIP:
      // `enabled`, behind the zone and its two temperatures.
      return readUint32(tx, 16);
  }
}

/** A value of the answer to `ask`. */
export function readAnswer(spec: AspectSpec, reply: Uint8Array): number | undefined {
  if (reply.length < spec.answerSize) return undefined;
  return spec.answerSize === 8 ? readInt64(reply, 0) : readUint32(reply, 0);
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

/** An s64 as a number: rates in Hz are far below 2^53. */
function readInt64(bytes: Uint8Array, at: number): number {
  return (readUint32(bytes, at + 4) | 0) * 2 ** 32 + readUint32(bytes, at);
}

/** CLK requests are sent at the full 16 bytes of their struct, as Linux does. */
function clk(command: number, id: number): OwnRequest {
  const tx = new Uint8Array(16);
  new DataView(tx.buffer).setUint32(0, ((command << 24) | id) >>> 0, true);
  return { mrq: Mrq.CLK, tx };
}

function words(mrq: number, ...values: number[]): OwnRequest {
  return { mrq, tx: new Uint8Array(Uint32Array.from(values).buffer) };
}
