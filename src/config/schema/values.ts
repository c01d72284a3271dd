/** Kinds of values that several keys of the VM file have. */
import * as z from 'zod';
import { parseAddress, parseDurationMs, parseSize } from '../quantities.js';

/** Text that can be one argument of a program. */
export const text = z
  .string('must be text')
  .min(1, 'must not be empty')
  .refine((value) => !value.includes('\0'), 'must not hold a NUL character');

/**
 * A value that is written as text and read into something else, or refused with the words of `expected`; `pattern` is
 * for editors, and no narrower than `parse`.
 */
export function written<T>(parse: (text: string) => T | undefined, expected: string, pattern?: string) {
  return z
    .string(`must be ${expected}`)
    .meta({ title: nounOf(expected), ...(pattern !== undefined && { pattern }) })
    .transform((value, context) => {
      const parsed = parse(value);
      if (parsed !== undefined) return parsed;
      context.addIssue({
        code: 'custom',
        message: `is ${shown(value)}, which is not ${expected}`,
      });
      return z.NEVER;
    });
}

/** The same for what YAML may also have read as a number. */
export function writtenOrNumber<T>(
  parse: (value: number | string) => T | undefined,
  expected: string,
  pattern?: string,
) {
  return z
    .union([z.number(), z.string().meta(pattern === undefined ? {} : { pattern })], `must be ${expected}`)
    .meta({ title: nounOf(expected) })
    .transform((value, context) => {
      const parsed = parse(value);
      if (parsed !== undefined) return parsed;
      context.addIssue({ code: 'custom', message: `is ${shown(value)}, which is not ${expected}` });
      return z.NEVER;
    });
}

/** What kind of value it is, without the examples. */
function nounOf(expected: string): string {
  return expected.split(/,? such as | with its unit|, or /, 1)[0]!;
}

/** A value as the file's reader wrote it, cut where it would make the sentence unreadable. */
function shown(value: string | number): string {
  const quoted = JSON.stringify(value);
  return quoted.length <= 80 ? quoted : `${quoted.slice(0, 77)}…`;
}

/** Bytes, more than none. */
export const size = written(
  (value) => parseSize(value) || undefined,
  'a size with its unit, such as 512M or 4G',
  '^\\s*[0-9]{1,15}\\s*[KMGTkmgt]([iI][bB])?\\s*$',
);

const durationWords = 'a time with its unit, such as 500ms, 20s or 2min (a day at most)';

/** Milliseconds; a day at most. `byDefault` is what the file would say. */
export const duration = (byDefault: string) => aDuration().prefault(byDefault);

export const aDuration = () =>
  written(parseDurationMs, durationWords, '^\\s*[0-9]{1,9}(\\.[0-9]{1,6})?\\s*(ms|s|min|h)\\s*$');

/** An address or a size in an address space. */
export const address = writtenOrNumber(
  parseAddress,
  'an address such as 0x10800000',
  '^0[xX][0-9a-fA-F]{1,16}$',
);

/** The size of a region: with a unit, or as a device tree has it. */
export const regionSize = writtenOrNumber(
  (value) => (parseAddress(value) ?? (typeof value === 'string' ? parseSize(value) : undefined)) || undefined,
  'a size such as 0x10000 or 64K',
);

/** Whole numbers within bounds. */
export function count(first: number, last: number) {
  const words = `must be a whole number from ${first} to ${last}`;
  return z.int(words).min(first, words).max(last, words);
}

export const flag = z.boolean('must be true or false');

/** A user's or a group's name, or its number. */
export const account = writtenOrNumber(
  (value) => {
    if (typeof value === 'number')
      return Number.isInteger(value) && value >= 0 && value < 2 ** 32 - 1 ? String(value) : undefined;
    return /^([A-Za-z_][A-Za-z0-9_.-]{0,31}\$?|[0-9]{1,9})$/.test(value) ? value : undefined;
  },
  'the name of an account, or its number',
  '^([A-Za-z_][A-Za-z0-9_.-]{0,31}\\$?|[0-9]{1,9})$',
);

/** Properties of a QEMU device that the VM file has no key for. */
export const deviceOptions = z
  .record(
    z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]*$/, 'must be a property of this device, as QEMU spells it'),
    z.union([flag, z.number(), text], 'must be true, false, a number or text'),
  )
  .describe("More properties of QEMU's device; true and false become on and off.");
