import { C2cCommand } from '../abi.js';
import { type CommandDefinition, family } from '../family.js';
import { field } from '../struct/items.js';
import { choice, u8, u32 } from '../struct/scalars.js';

const partitions: CommandDefinition = { effect: 'change', request: [field('partitions', u8)] };
const status = [field('status', u8)];

/** C2C: the link between two chips. */
export const c2c = family('C2C', 'word', C2cCommand, {
  QUERY_ABI: { effect: 'read', request: [field('cmd', choice(u32, C2cCommand))] },
  START_INITIALIZATION: { ...partitions, reply: status },
  GET_STATUS: { effect: 'read', reply: status },
  HOTRESET_PREP: partitions,
  START_HOTRESET: { ...partitions, reply: status },
});
