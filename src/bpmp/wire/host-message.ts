/** Bytes of one message to `/dev/bpmp-host`. */
export const HOST_MESSAGE_SIZE = 48;

/** Offsets of a host message's fields, in bytes; all little-endian. */
export const HOST_MESSAGE = {
  /** u32 */
  MRQ: 0,
  /** u64, a pointer into the caller's memory */
  TX_DATA: 8,
  /** u64 */
  TX_SIZE: 16,
  /** u64, a pointer into the caller's memory */
  RX_DATA: 24,
  /** u64; the driver writes the reply's size back */
  RX_SIZE: 32,
  /** s32; the driver writes the firmware's return code here */
  RET: 40,
} as const;

/** One transfer as a `write(2)` to the host device carries it. Pointers and sizes at their full 64 bits. */
export interface HostMessage {
  readonly mrq: number;
  readonly txData: bigint;
  readonly txSize: bigint;
  readonly rxData: bigint;
  readonly rxSize: bigint;
  readonly ret: number;
}

/** Undefined where the bytes are not exactly one message; the driver answers -EINVAL then. */
export function decodeHostMessage(bytes: Uint8Array): HostMessage | undefined {
  if (bytes.length !== HOST_MESSAGE_SIZE) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    mrq: view.getUint32(HOST_MESSAGE.MRQ, true),
    txData: view.getBigUint64(HOST_MESSAGE.TX_DATA, true),
    txSize: view.getBigUint64(HOST_MESSAGE.TX_SIZE, true),
    rxData: view.getBigUint64(HOST_MESSAGE.RX_DATA, true),
    rxSize: view.getBigUint64(HOST_MESSAGE.RX_SIZE, true),
    ret: view.getInt32(HOST_MESSAGE.RET, true),
  };
}

/** The 48 bytes; both reserved words are zero. */
export function encodeHostMessage(message: HostMessage): Uint8Array {
  const bytes = new Uint8Array(HOST_MESSAGE_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(HOST_MESSAGE.MRQ, message.mrq, true);
  view.setBigUint64(HOST_MESSAGE.TX_DATA, message.txData, true);
  view.setBigUint64(HOST_MESSAGE.TX_SIZE, message.txSize, true);
  view.setBigUint64(HOST_MESSAGE.RX_DATA, message.rxData, true);
  view.setBigUint64(HOST_MESSAGE.RX_SIZE, message.rxSize, true);
  view.setInt32(HOST_MESSAGE.RET, message.ret, true);
  return bytes;
}
