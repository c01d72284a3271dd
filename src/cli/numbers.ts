import { mrqByName, mrqs } from '../bpmp/wire/index.js';
import { GpuvmError } from '../errors.js';
import { nearest } from '../nearest.js';

const U32 = 0xffff_ffff;

/** An MRQ by name or number; any 32-bit number is taken, known or not. Throws GPUVM_REQUEST with the nearest name. */
export function parseMrq(word: string): number {
  const number = /^(0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word) : mrqByName(word)?.number;
  if (number !== undefined && number <= U32) return number;
  const names = [...mrqs.values()].map(({ name }) => name);
  const meant = nearest(word, names);
  throw new GpuvmError(
    'GPUVM_REQUEST',
    `${JSON.stringify(word)} is no MRQ: ${meant ? `did you mean ${meant}?` : 'use a name such as CLK, or a number below 2^32'}`,
  );
}

/** Bytes from hexadecimal digits; spaces, colons and a leading 0x do not count. */
export function parseHex(text: string, what: string): Uint8Array {
  const digits = text.replace(/^0x/i, '').replace(/[\s:]/g, '');
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) {
    throw new GpuvmError(
      'GPUVM_REQUEST',
      `${what} must be pairs of hexadecimal digits, not ${JSON.stringify(text.slice(0, 60))}`,
    );
  }
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}
