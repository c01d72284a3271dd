/**
 * The shape of a request: what a decision needs, and nothing that costs. Filled in place by `classify`, so that
 * the hot path allocates nothing; names, rates and the rest come from `decodeRequest`, when somebody looks.
 */

export const ShapeStatus = {
  /** MRQ and command are known and the payload is long enough for both. */
  OK: 0,
  /** The ABI header has no such MRQ. */
  UNKNOWN_MRQ: 1,
  /** The MRQ is known, the command is not. */
  UNKNOWN_COMMAND: 2,
  /**
   * The payload is shorter than the least that this MRQ and command take, or a text or list in it does not end
   * within it.
   */
  TRUNCATED: 3,
} as const;
export type ShapeStatus = (typeof ShapeStatus)[keyof typeof ShapeStatus];

export interface Shape {
  status: ShapeStatus;
  /** The MRQ number as sent, all 32 bits. */
  mrq: number;
  /** The command at its full width (CLK: 8 bits, others: 32); 0 for an MRQ that has none. */
  command: number;
  /**
   * The resource at its full width, -1 where the request names none: CLK the 24-bit clock id, RESET the reset id,
   * PG the domain id, I2C the bus, THERMAL the zone, DEBUG the file descriptor, QUERY_ABI the MRQ asked about.
   */
  id: number;
}

export function newShape(): Shape {
  return { status: ShapeStatus.UNKNOWN_MRQ, mrq: 0, command: 0, id: -1 };
}
