import { RingbufConsoleCommand } from '../abi.js';
import { family } from '../family.js';
import { count, data, field } from '../struct/items.js';
import { choice, u8, u32, u64 } from '../struct/scalars.js';

/**
 * RINGBUF_CONSOLE: the firmware's console. Reading takes the bytes away from the next reader. A write's `len` lies
 * behind its data, so that 117 bytes are needed to see it; the header's list says 5 and the length.
 */
export const ringbufConsole = family('RINGBUF_CONSOLE', 'word', RingbufConsoleCommand, {
  QUERY_ABI: { effect: 'read', request: [field('cmd', choice(u32, RingbufConsoleCommand))] },
  READ: {
    effect: 'change',
    request: [field('len', u8)],
    reply: [data('data', 'text', { max: 116, count: 'len', whole: true }), count('len', u8)],
  },
  WRITE: {
    effect: 'change',
    request: [data('data', 'text', { max: 112, count: 'len', whole: true }), count('len', u8)],
    reply: [field('space_avail', u32), field('len', u8)],
  },
  GET_FIFO: {
    effect: 'read',
    reply: [
      field('bpmp_tx_buf_addr', u64),
      field('bpmp_tx_head_addr', u64),
      field('bpmp_tx_tail_addr', u64),
      field('bpmp_tx_buf_len', u32),
    ],
  },
});
