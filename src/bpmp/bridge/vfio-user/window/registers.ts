/** Offsets in the window that guest kernels with the BPMP guest proxy use; all fields are little-endian. */
export const Register = {
  /** Request payload, 512 bytes. */
  TX: 0x000,
  /** Reply payload, 512 bytes. */
  RX: 0x200,
  /** u64 */
  TX_SIZE: 0x400,
  /** u64: the room for the reply when the transfer starts, the reply's size when it is done. */
  RX_SIZE: 0x408,
  /** s32 */
  RET: 0x410,
} as const;
