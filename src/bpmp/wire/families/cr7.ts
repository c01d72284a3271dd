import { Cr7Command } from '../abi.js';
import { type CommandDefinition, family } from '../family.js';
import { field } from '../struct/items.js';
import { choice, u32 } from '../struct/scalars.js';

const change: CommandDefinition = { effect: 'change', request: [field('fld0', u32), field('fld1', u32)] };

/** CR7: a sleep state of the whole package. */
export const cr7 = family('CR7', 'word', Cr7Command, {
  QUERY_ABI: { effect: 'read', request: [field('type', choice(u32, Cr7Command))] },
  ENTRY: change,
  EXIT: change,
});
