import { treeError } from './error.js';
import {
  align,
  HEADER_SIZE,
  HEADER_SIZE_16,
  Header,
  Limit,
  MAGIC,
  OLDEST_VERSION,
  VERSION,
} from './format.js';

/** Where a blob's parts are, each checked to lie inside it. */
export interface Layout {
  /** All offsets and lengths in bytes. */
  readonly structure: { readonly start: number; readonly end: number };
  readonly strings: { readonly start: number; readonly end: number };
  readonly reservations: { readonly start: number; readonly end: number };
  readonly bootCpu: number;
}

/** Reads the header. Throws GPUVM_DEVICE_TREE for what is no tree, is cut off, or has its parts outside of itself. */
export function readHeader(bytes: Uint8Array, file?: string): Layout {
  const fail = (message: string) => treeError(message, file);
  // Of the older version too: a structure comes behind its header.
  if (bytes.length < HEADER_SIZE) throw fail(`no device tree blob: it has only ${bytes.length} bytes`);
  if (bytes.length > Limit.SIZE) throw fail(`too large for a device tree blob: ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (offset: number) => view.getUint32(offset);
  if (word(Header.MAGIC) !== MAGIC) throw fail('no device tree blob: its first bytes are not d00dfeed');
  const version = word(Header.VERSION);
  const compatible = word(Header.LAST_COMPATIBLE);
  if (version < OLDEST_VERSION || compatible > VERSION) {
    throw fail(
      `a device tree blob of version ${version}: ${OLDEST_VERSION} to ${VERSION} can be read, make it anew with dtc`,
    );
  }
  const total = word(Header.TOTAL_SIZE);
  if (total > bytes.length)
    throw fail(`the device tree blob is cut off: ${bytes.length} bytes of ${total} are there`);
  const headerSize = version >= 17 ? HEADER_SIZE : HEADER_SIZE_16;
  const part = (name: string, start: number, size: number, alignment: number) => {
    const end = start + size;
    if (start < headerSize || end > total || start !== align(start, alignment)) {
      throw fail(
        `the device tree blob is damaged: its ${name} would be at ${start} to ${end} of ${total} bytes`,
      );
    }
    return { start, end };
  };
  const structureAt = word(Header.STRUCTURE);
  const structureSize = version >= 17 ? word(Header.STRUCTURE_SIZE) : Math.max(0, total - structureAt);
  const reservationsAt = word(Header.RESERVATIONS);
  return {
    structure: part('structure', structureAt, structureSize, 4),
    strings: part('strings', word(Header.STRINGS), word(Header.STRINGS_SIZE), 1),
    reservations: part('reservations', reservationsAt, Math.max(0, total - reservationsAt), 8),
    bootCpu: word(Header.BOOT_CPU),
  };
}
