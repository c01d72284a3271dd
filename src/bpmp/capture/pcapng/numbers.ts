/** Numbers of the format pcapng (draft-ietf-opsawg-pcapng) and of the older pcap. */

export const BlockType = {
  SECTION: 0x0a0d0d0a,
  INTERFACE: 1,
  /** The packet block before the enhanced one: no longer written by anybody, but still met. */
  OBSOLETE_PACKET: 2,
  SIMPLE_PACKET: 3,
  STATISTICS: 5,
  ENHANCED_PACKET: 6,
} as const;

/** In a section header, written in the byte order of the section. */
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

export const OptionCode = {
  END: 0,
  COMMENT: 1,
  SECTION_HARDWARE: 2,
  SECTION_OS: 3,
  SECTION_PROGRAM: 4,
  INTERFACE_NAME: 2,
  INTERFACE_DESCRIPTION: 3,
  INTERFACE_TIME_RESOLUTION: 9,
  INTERFACE_TIME_OFFSET: 14,
  PACKET_FLAGS: 2,
  PACKET_DROPPED: 4,
  PACKET_ID: 5,
  STATISTICS_START: 2,
  STATISTICS_END: 3,
  STATISTICS_RECEIVED: 4,
  STATISTICS_DROPPED: 5,
} as const;

/** LINKTYPE_USER0: for private use, which is what a BPMP transfer's record is. */
export const LINK_TYPE = 147;

/** Of an enhanced packet's flags: the packet came in. */
export const INBOUND = 1;

/** The smallest block: type, length, length. */
export const LEAST_BLOCK = 12;

/** What an enhanced packet block has before its packet's data. */
export const PACKET_HEADER = 28;
