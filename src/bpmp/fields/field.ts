import type { TransferRecord } from '../capture/index.js';
import type { Unit } from '../wire/index.js';

/**
 * `uint` and `int` are numbers, or bigints where the field is `wide`; `float` is a number; `time` is a span in ns, as
 * a number; `bytes` is a Uint8Array.
 */
export type FieldType = 'uint' | 'int' | 'float' | 'string' | 'bool' | 'bytes' | 'time';

export type FieldValue = number | bigint | string | boolean | Uint8Array;

/** One thing that can be said of a transfer, by the name that filters, the dissector and reports know it by. */
export interface Field {
  /** `bpmp.clk.rate_hz` */
  readonly name: string;
  readonly type: FieldType;
  /** What it is called where people look at one transfer: "Rate". */
  readonly label: string;
  /** For a list of fields: what it is, and whose. */
  readonly meaning: string;
  /** Whether its values are 64-bit integers, and thus bigints. */
  readonly wide: boolean;
  readonly unit: Unit | undefined;
  /** The names that its values have or, for a `.name`, can be; undefined where there is no closed list. */
  readonly numbers: Readonly<Record<string, number>> | undefined;
  /** The MRQs whose transfers can have it; undefined for those that any transfer can have. */
  readonly mrqs: readonly number[] | undefined;
  /** Its values in a record, in the order of the bytes; none where the record lacks it. */
  values(record: TransferRecord): readonly FieldValue[];
}
