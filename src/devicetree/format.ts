/** The flattened tree's format: Devicetree Specification 0.4, chapter 5. All numbers in it are big-endian. */
export const MAGIC = 0xd00dfeed;
/** The version that is written, and the newest that is read; 16 differs only in the header's last word. */
export const VERSION = 17;
export const OLDEST_VERSION = 16;

export const HEADER_SIZE = 40;
export const HEADER_SIZE_16 = 36;
/** Offsets of the header's words, in bytes. */
export const Header = {
  MAGIC: 0,
  TOTAL_SIZE: 4,
  STRUCTURE: 8,
  STRINGS: 12,
  RESERVATIONS: 16,
  VERSION: 20,
  LAST_COMPATIBLE: 24,
  BOOT_CPU: 28,
  STRINGS_SIZE: 32,
  STRUCTURE_SIZE: 36,
} as const;

export const Token = { BEGIN_NODE: 1, END_NODE: 2, PROPERTY: 3, NOP: 4, END: 9 } as const;

/** Beyond what any tree needs (Tegra234's have 1,500 nodes in 400 KB), and little enough to be read at once. */
export const Limit = {
  SIZE: 8 * 1024 * 1024,
  DEPTH: 64,
  NODES: 65_536,
  PROPERTIES: 262_144,
  RESERVATIONS: 1_024,
  /** Of a node's or a property's name, in bytes; the specification has 31, trees in use have more. */
  NAME: 255,
} as const;

/** To the next multiple of a power of two. */
export function align(offset: number, to: number): number {
  return (offset + to - 1) & -to;
}
