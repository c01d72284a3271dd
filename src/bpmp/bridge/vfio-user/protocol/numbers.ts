/**
 * Numbers of the vfio-user protocol, after QEMU's docs/interop/vfio-user.rst (version 0.9.2) and `linux/vfio.h`.
 */

export const Command = {
  VERSION: 1,
  DMA_MAP: 2,
  DMA_UNMAP: 3,
  DEVICE_GET_INFO: 4,
  DEVICE_GET_REGION_INFO: 5,
  DEVICE_GET_REGION_IO_FDS: 6,
  DEVICE_GET_IRQ_INFO: 7,
  DEVICE_SET_IRQS: 8,
  REGION_READ: 9,
  REGION_WRITE: 10,
  DMA_READ: 11,
  DMA_WRITE: 12,
  DEVICE_RESET: 13,
} as const;

/** Bits of a header's flags. */
export const HeaderFlag = {
  TYPE_MASK: 0xf,
  REPLY: 0x1,
  NO_REPLY: 0x10,
  ERROR: 0x20,
} as const;

/** Bytes of the header: id u16, command u16, size u32 (with the header), flags u32, errno u32. */
export const HEADER_SIZE = 16;
/** Bytes of offset u64, region u32, count u32, which REGION_READ and REGION_WRITE have after the header. */
export const ACCESS_SIZE = 16;

/**
 * The most data that one access carries, in bytes; told to the client at the start. QEMU's own accesses are at
 * most 8 bytes, and 256 of configuration space.
 */
export const MAX_TRANSFER = 0x10000;
/** The longest frame that is taken; a longer one ends the connection. */
export const MAX_FRAME = HEADER_SIZE + ACCESS_SIZE + MAX_TRANSFER;
/** The most descriptors that one message may carry; told to the client at the start. */
export const MAX_DESCRIPTORS = 8;

export const DeviceFlag = { RESET: 1, PCI: 2 } as const;
export const RegionFlag = { READ: 1, WRITE: 2, MMAP: 4, CAPS: 8 } as const;
export const InterruptFlag = { EVENTFD: 1, MASKABLE: 2, AUTOMASKED: 4, NORESIZE: 8 } as const;
/** Bits of DEVICE_SET_IRQS: one of DATA and one of ACTION. */
export const InterruptSetFlag = {
  DATA_NONE: 1,
  DATA_BOOL: 2,
  DATA_EVENTFD: 4,
  ACTION_MASK: 8,
  ACTION_UNMASK: 0x10,
  ACTION_TRIGGER: 0x20,
} as const;
/** The capability that says which parts of a region may be mapped (`VFIO_REGION_INFO_CAP_SPARSE_MMAP`). */
export const CAP_SPARSE_MMAP = 1;
