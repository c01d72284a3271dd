import { ResetCommand } from '../abi.js';
import { type CommandDefinition, family } from '../family.js';
import { field, skip } from '../struct/items.js';
import { reset } from '../struct/resources.js';
import { u32 } from '../struct/scalars.js';

const change: CommandDefinition = { effect: 'change', request: [field('reset', reset)] };

export const resetFamily = family('RESET', 'word', ResetCommand, {
  ASSERT: change,
  DEASSERT: change,
  MODULE: change,
  GET_MAX_ID: { effect: 'read', request: [skip(4)], reply: [field('max_id', u32)] },
});
