/**
 * The guest's MMIO window, as kernels with the BPMP guest proxy lay it out: 0x600 bytes, all little-endian. Offsets
 * in bytes. Writing MRQ starts the transfer.
 */
export const WINDOW = {
  SIZE: 0x600,
  TX: 0x000,
  RX: 0x200,
  /** u64 */
  TX_SIZE: 0x400,
  /** u64 */
  RX_SIZE: 0x408,
  /** s32 */
  RET: 0x410,
  /** u32 */
  MRQ: 0x500,
  /** Room for a payload, in bytes: of TX, and of RX. */
  PAYLOAD: 0x200,
} as const;

/** A request as it lies in a window; the sizes are the guest's word and may be anything. */
export interface WindowRequest {
  readonly mrq: number;
  readonly txSize: bigint;
  readonly rxSize: bigint;
  /** The bytes of TX that `txSize` claims; undefined where it claims more than there is room for. */
  readonly tx: Uint8Array | undefined;
}

function viewOf(window: Uint8Array): DataView {
  if (window.length !== WINDOW.SIZE)
    throw new RangeError(`a window has ${WINDOW.SIZE} bytes, not ${window.length}`);
  return new DataView(window.buffer, window.byteOffset, window.byteLength);
}

/** Reads a request; `tx` is a view of the window, not a copy. */
export function decodeWindowRequest(window: Uint8Array): WindowRequest {
  const view = viewOf(window);
  const txSize = view.getBigUint64(WINDOW.TX_SIZE, true);
  return {
    mrq: view.getUint32(WINDOW.MRQ, true),
    txSize,
    rxSize: view.getBigUint64(WINDOW.RX_SIZE, true),
    tx: txSize <= WINDOW.PAYLOAD ? window.subarray(WINDOW.TX, WINDOW.TX + Number(txSize)) : undefined,
  };
}

/** A window as the guest writes it, with room for a reply of `rxSize` bytes. */
export function encodeWindowRequest(mrq: number, tx: Uint8Array, rxSize: number): Uint8Array {
  if (tx.length > WINDOW.PAYLOAD) throw new RangeError(`a payload has at most ${WINDOW.PAYLOAD} bytes`);
  const window = new Uint8Array(WINDOW.SIZE);
  const view = viewOf(window);
  window.set(tx, WINDOW.TX);
  view.setBigUint64(WINDOW.TX_SIZE, BigInt(tx.length), true);
  view.setBigUint64(WINDOW.RX_SIZE, BigInt(rxSize), true);
  view.setUint32(WINDOW.MRQ, mrq, true);
  return window;
}

/** What the guest reads back. */
export function decodeWindowReply(window: Uint8Array): {
  ret: number;
  rxSize: bigint;
  rx: Uint8Array | undefined;
} {
  const view = viewOf(window);
  const rxSize = view.getBigUint64(WINDOW.RX_SIZE, true);
  return {
    ret: view.getInt32(WINDOW.RET, true),
    rxSize,
    rx: rxSize <= WINDOW.PAYLOAD ? window.subarray(WINDOW.RX, WINDOW.RX + Number(rxSize)) : undefined,
  };
}

/** Writes a reply; RX beyond it is cleared, and RX_SIZE always written, so that nothing old reaches the guest. */
export function encodeWindowReply(window: Uint8Array, ret: number, rx: Uint8Array): void {
  const view = viewOf(window);
  if (rx.length > WINDOW.PAYLOAD) throw new RangeError(`a payload has at most ${WINDOW.PAYLOAD} bytes`);
  window.fill(0, WINDOW.RX, WINDOW.RX + WINDOW.PAYLOAD);
  window.set(rx, WINDOW.RX);
  view.setBigUint64(WINDOW.RX_SIZE, BigInt(rx.length), true);
  view.setInt32(WINDOW.RET, ret, true);
}
