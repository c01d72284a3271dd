/** The flattened tree's format: Devicetree Specification 0.4, chapter 5. All numbers in it are big-endian. */
export const MAGIC = 0xd00dfeed;
/** The version that is written by default, and the newest that is read; 16 differs only in the header's last word. */
export const VERSION = 17;
/** What a reader must know to read version 16 and 17. */
export const OLDEST_COMPATIBLE = 16;

/** What dtc calls them: the versions that were ever in use. Those before 16 are Open Firmware's of PowerPC. */
export type TreeVersion = 1 | 2 | 3 | 16 | 17;

/** How a version differs. */
export interface Form {
  readonly headerSize: number;
  readonly lastCompatible: number;
  /** The header's optional words. */
  readonly hasBootCpu: boolean;
  readonly hasStringsSize: boolean;
  readonly hasStructureSize: boolean;
  /**
   * Before 16 a node's name is its whole path, each node has its name as the property `name` too, and values of eight
   * bytes and more begin at a multiple of eight.
   */
  readonly isOld: boolean;
}

/** The form of any version that a header may name; the header's words came one by one. */
export function formOf(version: number): Form {
  const headerSize = version >= 17 ? 40 : version >= 3 ? 36 : version === 2 ? 32 : 28;
  return {
    headerSize,
    lastCompatible: version >= 16 ? OLDEST_COMPATIBLE : 1,
    hasBootCpu: version >= 2,
    hasStringsSize: version >= 3,
    hasStructureSize: version >= 17,
    isOld: version < 16,
  };
}

/** The property that says a node's name in old versions. */
export const NAME = 'name';

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
  /** Of a whole path, as old versions have it for a name. */
  PATH: 64 * 256,
} as const;

/** To the next multiple of a power of two. */
export function align(offset: number, to: number): number {
  return (offset + to - 1) & -to;
}

/** How many bytes of padding stand before a value: only in old versions, for values of eight bytes and more. */
export function valueAlignment(form: Form, size: number): number {
  return form.isOld && size >= 8 ? 8 : 4;
}
