/**
 * Numbers of the two devices that a Tegra guest reaches its BPMP by: the HSP (hardware synchronisation primitives),
 * whose doorbells are rung, and the SRAM, whose two pages hold the messages. After Linux's drivers/mailbox/tegra-hsp.c
 * and drivers/firmware/tegra/ivc.c, bpmp-tegra186.c and bpmp.c.
 */

/** Registers of the HSP, u32 each, as offsets into its 1 MiB. */
export const Hsp = {
  /** How many of each primitive there are, 4 bits each. */
  DIMENSIONING: 0x380,
  /** The doorbell that the guest is rung by. */
  CCPLEX_ENABLE: 0x90104,
  CCPLEX_RAW: 0x90108,
  CCPLEX_PENDING: 0x9010c,
  /** The doorbell that the guest rings. */
  BPMP_TRIGGER: 0x90300,
  BPMP_ENABLE: 0x90304,
  /** No register of the HSP's: the chip's id, for the tree's misc node, in a page behind those that its driver maps. */
  CHIP_ID: 0xf0004,
} as const;

/**
 * 8 shared mailboxes (two to a page of 64 KiB), 2 shared and 2 arbitrated semaphores, 7 doorbells, 8 shared
 * interrupts: with page 0 these put the doorbells at (1 + 8/2 + 2 + 2) × 0x10000 = 0x90000.
 */
export const HSP_DIMENSIONS = 0x87228;
/**
 * HIDREV of the chip's APB MISC block (drivers/soc/tegra/fuse/tegra-apbmisc.c): Tegra234 (0x23), revision A01, silicon.
 * Linux's HSP driver asks whether it runs on silicon, and complains at length where nothing tells it.
 */
export const CHIP_ID = 0x1_2317;

/** Doorbell masters, as bits of the registers. */
export const CCPLEX_BIT = 1 << 17;
export const BPMP_BIT = 1 << 19;

/** Bytes of one of the two pages. */
export const SRAM_PAGE = 0x1000;
/** Where what the guest sends lies in the SRAM, and what it receives. */
export const SRAM_FROM_GUEST = 0;
export const SRAM_TO_GUEST = SRAM_PAGE;

/** One direction of one channel in its page: an IVC header, then a queue of one frame. */
export const Queue = {
  SIZE: 256,
  /** Frames sent, u32, wrapping; written by the sender. */
  SENT: 0,
  /** The sender's state, u32: {@link IvcState}. */
  STATE: 4,
  /** Frames taken, u32, wrapping; written by the receiver. */
  TAKEN: 64,
  HEADER: 128,
  FRAME: 128,
} as const;

export const IvcState = { ESTABLISHED: 0, SYNC: 1, ACK: 2 } as const;

/** A frame: u32 MRQ or, in an answer, the return code; u32 flags; 120 bytes of data. */
export const Frame = {
  SIZE: 128,
  CODE: 0,
  FLAGS: 4,
  DATA: 8,
  DATA_SIZE: 120,
} as const;
export const FrameFlag = {
  /** The sender wants an answer. */
  ANSWER: 1,
  /** The answer is to be announced by the doorbell. */
  RING: 2,
} as const;

/** Channels of requests from the guest: three threaded, then the atomic one. */
export const REQUEST_CHANNELS = [0, 1, 2, 3] as const;
/** The channel of requests from the BPMP to the guest. */
export const NOTIFY_CHANNEL = 13;
