import { GpuvmError } from '../errors.js';

/** Names that need no escape in JSON; QEMU's all are. */
const PLAIN = /^[\w.-]+$/;

/** Stands for a command that is sent without an id. */
export const NO_ID = 0;

/**
 * The line for one command. It is kept short: QEMU reads its monitor byte by byte, a system call and a wake-up of its
 * parser for each, so that the length is what a round trip is made of. Throws GPUVM_USAGE where `args` cannot be sent as JSON; integers above
 * 2^53 - 1 cannot, and a rounded address is worse than none.
 */
export function formatCommand(
  command: string,
  args: object | undefined,
  id: number,
  outOfBand = false,
): string {
  const name = PLAIN.test(command) ? `"${command}"` : JSON.stringify(command);
  const verb = outOfBand ? 'exec-oob' : 'execute';
  const end = id === NO_ID ? '}\n' : `,"id":${id}}\n`;
  if (args === undefined) return `{"${verb}":${name}${end}`;
  try {
    return `{"${verb}":${name},"arguments":${JSON.stringify(args, exactNumbers)}${end}`;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GpuvmError('GPUVM_USAGE', `the arguments of ${command} cannot be sent as JSON: ${why}`, {
      cause,
    });
  }
}

function exactNumbers(key: string, value: unknown): unknown {
  if (typeof value !== 'bigint' && typeof value !== 'number') return value;
  const number = Number(value);
  if (Number.isSafeInteger(number) || (Number.isFinite(number) && !Number.isInteger(number))) return number;
  throw new RangeError(`${key} is ${value}, which JSON cannot carry exactly`);
}
