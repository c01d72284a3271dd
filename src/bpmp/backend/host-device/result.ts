import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import type { Outcome } from '../backend.js';

/** How a request was handed to the driver, as the addon counts it. */
export const FORM = { UNKNOWN: 0, IOCTL: 1, WRITE: 2 } as const;

export interface Counters {
  transfers: number;
  form: number;
  readonly errors: Record<string, number>;
  /** What the driver refused the last transfer with: "EPERM"; undefined where the firmware answered. */
  lastError: string | undefined;
}

export function newCounters(): Counters {
  return { transfers: 0, form: FORM.UNKNOWN, errors: {}, lastError: undefined };
}

/** Makes an outcome of what the addon says of one transfer: errno (0 for success), ret, reply size, form. */
export function finish(result: Int32Array, capacity: number, counters: Counters): Outcome {
  const errno = result[0]!;
  counters.transfers += 1;
  counters.form = result[3]!;
  if (errno === 0) {
    counters.lastError = undefined;
    return { ret: result[1]!, rxSize: Math.min(result[2]!, capacity) };
  }
  const name = nameOf(errno);
  counters.lastError = name;
  counters.errors[name] = (counters.errors[name] ?? 0) + 1;
  return { ret: -errno, rxSize: 0 };
}

function nameOf(errno: number): string {
  try {
    return getSystemErrorName(-errno);
  } catch {
    return `errno ${errno}`;
  }
}

/** What a transfer is answered whose device was closed under it. */
export const closedOutcome = (): Outcome => ({ ret: -constants.errno.ENODEV, rxSize: 0 });
