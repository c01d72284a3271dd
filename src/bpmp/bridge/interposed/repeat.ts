import { SlotLayout } from '../../../native/index.js';

/** From the message's start to rx.size, which is the first field that an answer changes. */
const MESSAGE_KEY = SlotLayout.MESSAGE_RX_SIZE - SlotLayout.MESSAGE;

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

function payloadSize(slot: Uint8Array): number {
  return slot[SlotLayout.TX_SIZE] | (slot[SlotLayout.TX_SIZE + 1] << 8);
}

function isSame(one: Uint8Array, other: Uint8Array, at: number, length: number): boolean {
  for (let i = at; i < at + length; i++) {
    if (one[i] !== other[i]) return false;
  }
  return true;
}
