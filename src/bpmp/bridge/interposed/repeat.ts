import { SlotLayout } from '../../../native/index.js';

/** From the message's start to rx.size, which is the first field that an answer changes. */
const MESSAGE_KEY = SlotLayout.MESSAGE_RX_SIZE - SlotLayout.MESSAGE;
const NONE = new Uint8Array(4);

/**
 * True where two slots hold the same request of one thread: same buffers, same MRQ, same payload. A thread makes one
 * call at a time, so the later one is then the earlier one again, restarted by the kernel after a signal. What an
 * answer writes back (rx.size, rx.ret) is left out: the first answer may have been written before the signal.
 */
export function isRepeat(earlier: Uint8Array, later: Uint8Array): boolean {
  return (
    isSame(earlier, later, SlotLayout.THREAD, 4) &&
    isSame(earlier, later, SlotLayout.BUFFER, 8) &&
    isSame(earlier, later, SlotLayout.MESSAGE, MESSAGE_KEY) &&
    isSame(earlier, later, SlotLayout.TX_SIZE, 4) &&
    isSame(earlier, later, SlotLayout.TX, payloadSize(earlier))
  );
}

/**
 * True where the later message shows the earlier one's answer in rx.size and rx.ret: nobody has prepared it anew, so it is
 * no new request. An answer that changed neither field leaves no such trace.
 */
export function bearsAnswer(earlier: Uint8Array, later: Uint8Array): boolean {
  return isAnswerOf(earlier, later) && !isAnswerOf(earlier, earlier);
}

/** rx.size has eight bytes, of which an answer uses two; rx.ret follows it. */
function isAnswerOf(slot: Uint8Array, message: Uint8Array): boolean {
  return (
    isEqual(message, SlotLayout.MESSAGE_RX_SIZE, slot, SlotLayout.RX_SIZE, 4) &&
    isEqual(message, SlotLayout.MESSAGE_RX_SIZE + 4, NONE, 0, 4) &&
    isEqual(message, SlotLayout.MESSAGE_RX_SIZE + 8, slot, SlotLayout.RET, 4)
  );
}

function payloadSize(slot: Uint8Array): number {
  return slot[SlotLayout.TX_SIZE] | (slot[SlotLayout.TX_SIZE + 1] << 8);
}

function isSame(one: Uint8Array, other: Uint8Array, at: number, length: number): boolean {
  return isEqual(one, at, other, at, length);
}

function isEqual(one: Uint8Array, at: number, other: Uint8Array, otherAt: number, length: number): boolean {
  for (let i = 0; i < length; i++) {
    if (one[at + i] !== other[otherAt + i]) return false;
  }
  return true;
}
