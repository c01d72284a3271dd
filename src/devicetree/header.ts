import { treeError } from './error.js';
import { align, type Form, formOf, Header, Limit, MAGIC, VERSION } from './format.js';

/** Part of a blob; offsets in bytes. */
export interface Part {
  readonly start: number;
  readonly end: number;
}

/** Where a blob's parts are, each checked to lie inside it. */
export interface Layout {
  readonly version: number;
  readonly form: Form;
  readonly structure: Part;
  readonly strings: Part;
  readonly reservations: Part;
  readonly bootCpu: number;
}

/** Of version 1, the shortest. */
const SHORTEST = formOf(1).headerSize;

/** Reads the header. Throws GPUVM_DEVICE_TREE for what is no tree, is cut off, or has its parts outside of itself. */
export function readHeader(bytes: Uint8Array, file?: string): Layout {
  const fail = (message: string, offset: number) => treeError(message, file, offset);
  if (bytes.length < SHORTEST)
    throw fail(`no device tree blob: it has only ${bytes.length} bytes`, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (offset: number) => view.getUint32(offset);
  if (word(Header.MAGIC) !== MAGIC)
    throw fail('no device tree blob: its first bytes are not d00dfeed', Header.MAGIC);
  const version = word(Header.VERSION);
  const compatible = word(Header.LAST_COMPATIBLE);
  if (version === 0 || compatible > VERSION) {
    throw fail(
      `a device tree blob of version ${version}, to be read as ${compatible}: 1 to ${VERSION} can be read, make it anew with dtc`,
      Header.VERSION,
    );
  }
  const form = formOf(version);
  const total = word(Header.TOTAL_SIZE);
  if (total > bytes.length)
    throw fail(
      `the device tree blob is cut off: ${bytes.length} bytes of ${total} are there`,
      Header.TOTAL_SIZE,
    );
  if (total > Limit.SIZE)
    throw fail(
      `too large for a device tree blob: ${total} bytes, ${Limit.SIZE} at the most`,
      Header.TOTAL_SIZE,
    );
  if (total < form.headerSize)
    throw fail(`the device tree blob is damaged: ${total} bytes are no header`, Header.TOTAL_SIZE);
  const part = (name: string, field: number, sizeOf: (start: number) => number, alignment: number) => {
    const start = word(field);
    const end = start + sizeOf(start);
    if (start < form.headerSize || end > total || start !== align(start, alignment)) {
      throw fail(
        `the device tree blob is damaged: its ${name} would be at ${start} to ${end} of ${total} bytes`,
        field,
      );
    }
    return { start, end };
  };
  const rest = (start: number) => Math.max(0, total - start);
  const sized = (field: number, isThere: boolean) => (isThere ? () => word(field) : rest);
  return {
    version,
    form,
    structure: part('structure', Header.STRUCTURE, sized(Header.STRUCTURE_SIZE, form.hasStructureSize), 4),
    strings: part('strings', Header.STRINGS, sized(Header.STRINGS_SIZE, form.hasStringsSize), 1),
    reservations: part('reservations', Header.RESERVATIONS, rest, 8),
    bootCpu: form.hasBootCpu ? word(Header.BOOT_CPU) : 0,
  };
}
