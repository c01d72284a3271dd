const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** A property without a value. */
export const EMPTY: Uint8Array = new Uint8Array(0);

/** 32-bit cells; a bigint becomes two, its high half first. */
export function cells(...values: readonly (number | bigint)[]): Uint8Array {
  const words = values.flatMap((value) =>
    typeof value === 'bigint'
      ? [Number((value >> 32n) & 0xffff_ffffn), Number(value & 0xffff_ffffn)]
      : [value],
  );
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  for (const [index, word] of words.entries()) view.setUint32(4 * index, word);
  return bytes;
}

/** Numbers of 64 bits, as two cells each: addresses, sizes, rates. */
export function u64s(...values: readonly bigint[]): Uint8Array {
  return cells(...values);
}

/** Strings, each with its final NUL. */
export function strings(...values: readonly string[]): Uint8Array {
  return encoder.encode(values.map((value) => `${value}\0`).join(''));
}

/** Undefined where the value is no whole number of cells. */
export function readCells(value: Uint8Array | undefined): number[] | undefined {
  if (value === undefined || value.length % 4 !== 0) return undefined;
  const view = viewOf(value);
  return Array.from({ length: value.length / 4 }, (_, index) => view.getUint32(4 * index));
}

/** A single cell's value; undefined where it is anything else. */
export function readCell(value: Uint8Array | undefined): number | undefined {
  return value?.length === 4 ? viewOf(value).getUint32(0) : undefined;
}

/** Undefined where the value is no whole number of pairs of cells. */
export function readU64s(value: Uint8Array | undefined): bigint[] | undefined {
  if (value === undefined || value.length % 8 !== 0) return undefined;
  const view = viewOf(value);
  return Array.from({ length: value.length / 8 }, (_, index) => view.getBigUint64(8 * index));
}

/** One number of 32 or 64 bits, as properties that may be either hold it; undefined where it is anything else. */
export function readNumber(value: Uint8Array | undefined): bigint | undefined {
  if (value?.length === 4) return BigInt(viewOf(value).getUint32(0));
  return value?.length === 8 ? viewOf(value).getBigUint64(0) : undefined;
}

/** Undefined where the value is not one or more strings, each with its NUL. */
export function readStrings(value: Uint8Array | undefined): string[] | undefined {
  if (value === undefined || value.length === 0 || value.at(-1) !== 0) return undefined;
  try {
    return decoder.decode(value.subarray(0, -1)).split('\0');
  } catch {
    return undefined;
  }
}

/** A single string's value; undefined where it is anything else. */
export function readString(value: Uint8Array | undefined): string | undefined {
  const all = readStrings(value);
  return all?.length === 1 ? all[0] : undefined;
}

/** Changes one cell in the place of it, at an offset in bytes that the caller has checked. */
export function writeCellAt(value: Uint8Array, offset: number, cell: number): void {
  viewOf(value).setUint32(offset, cell);
}

export function readCellAt(value: Uint8Array, offset: number): number {
  return viewOf(value).getUint32(offset);
}

function viewOf(value: Uint8Array): DataView {
  return new DataView(value.buffer, value.byteOffset, value.byteLength);
}
