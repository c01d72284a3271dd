import { CLK_MAX_PARENTS, CLK_NAME_SIZE, ClkCommand, ClkFlag } from '../abi.js';
import { family } from '../family.js';
import { count, field, list, skip } from '../struct/items.js';
import { clock } from '../struct/resources.js';
import { flags, i32, integer, u8, u32 } from '../struct/scalars.js';
import { fixedText } from '../struct/text.js';

const rate = field('rateHz', integer('i64', 'Hz'));
const parent = field('parent', clock);

/** CLK: the command in the high 8 bits of the first word, the clock in the low 24. */
export const clk = family('CLK', 'word-with-clock', ClkCommand, {
  GET_RATE: { effect: 'read', reply: [rate] },
  SET_RATE: { effect: 'change', request: [skip(4), rate], reply: [rate] },
  ROUND_RATE: { effect: 'read', request: [skip(4), rate], reply: [rate] },
  GET_PARENT: { effect: 'read', reply: [parent] },
  SET_PARENT: { effect: 'change', request: [parent], reply: [parent] },
  IS_ENABLED: { effect: 'read', reply: [field('state', i32)] },
  ENABLE: { effect: 'change' },
  DISABLE: { effect: 'change' },
  GET_ALL_INFO: {
    effect: 'read',
    reply: [
      field('flags', flags(u32, ClkFlag)),
      parent,
      list('parents', clock, { max: CLK_MAX_PARENTS, count: 'num_parents', whole: true }),
      count('num_parents', u8),
      field('name', fixedText(CLK_NAME_SIZE)),
    ],
  },
  GET_MAX_CLK_ID: { effect: 'read', noId: true, reply: [field('max_id', u32)] },
  GET_FMAX_AT_VMIN: { effect: 'read', reply: [rate] },
});
