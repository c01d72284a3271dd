import { FmonCommand } from '../abi.js';
import { family } from '../family.js';
import { field, skip } from '../struct/items.js';
import { choice, integer, u32 } from '../struct/scalars.js';

const rate = field('rateHz', integer('i64', 'Hz'));

/** FMON: frequency monitors of clocks; command and clock share the first word, as in CLK. */
export const fmon = family('FMON', 'word-with-clock', FmonCommand, {
  GEAR_CLAMP: { effect: 'change', request: [skip(4), rate] },
  GEAR_FREE: { effect: 'change' },
  GEAR_GET: { effect: 'read', reply: [rate] },
  FAULT_STS_GET: {
    effect: 'read',
    request: [field('fault_type', choice(u32, { ALL: 0, HW: 1, SW: 2 }))],
    reply: [field('fault_sts', u32)],
  },
});
