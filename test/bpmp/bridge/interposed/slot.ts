import { SlotLayout } from '../../../../src/native/index.js';

export interface SlotContents {
  thread?: number;
  buffer?: bigint;
  mrq?: number;
  txData?: bigint;
  rxData?: bigint;
  /** rx.size and rx.ret as the guest's message has them. */
  rxSize?: bigint;
  rxRet?: number;
  tx?: readonly number[];
  /** The answer. */
  ret?: number;
  replySize?: number;
}

/** One slot as the addon would fill it, at `index` of a larger memory if there is one. */
export function fillSlot(memory: ArrayBuffer, index: number, contents: SlotContents): Uint8Array {
  const base = index * SlotLayout.SIZE;
  const view = new DataView(memory, base, SlotLayout.SIZE);
  const { thread = 100, buffer = 0x7000n, mrq = 22, txData = 0x8000n, rxData = 0x9000n } = contents;
  const { rxSize = 64n, rxRet = -1, tx = [1, 2, 3, 4], ret = 0, replySize = 4 } = contents;
  view.setBigUint64(SlotLayout.ID, 7n, true);
  view.setUint32(SlotLayout.THREAD, thread, true);
  view.setBigUint64(SlotLayout.BUFFER, buffer, true);
  view.setUint32(SlotLayout.MESSAGE, mrq, true);
  view.setBigUint64(SlotLayout.MESSAGE + 8, txData, true);
  view.setBigUint64(SlotLayout.MESSAGE_TX_SIZE, BigInt(tx.length), true);
  view.setBigUint64(SlotLayout.MESSAGE + 24, rxData, true);
  view.setBigUint64(SlotLayout.MESSAGE_RX_SIZE, rxSize, true);
  view.setInt32(SlotLayout.MESSAGE_RX_SIZE + 8, rxRet, true);
  view.setUint32(SlotLayout.TX_SIZE, tx.length, true);
  view.setUint32(SlotLayout.RX_ROOM, Number(rxSize), true);
  view.setInt32(SlotLayout.RET, ret, true);
  view.setUint32(SlotLayout.RX_SIZE, replySize, true);
  const bytes = new Uint8Array(memory, base, SlotLayout.SIZE);
  bytes.set(tx, SlotLayout.TX);
  return bytes;
}

export function newSlot(contents: SlotContents = {}): Uint8Array {
  return fillSlot(new ArrayBuffer(SlotLayout.SIZE), 0, contents);
}
