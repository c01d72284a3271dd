import { type CommandDefinition, single } from '../family.js';
import { field } from '../struct/items.js';
import { u32 } from '../struct/scalars.js';

/** PING and THREADED_PING: `reply` is `challenge` shifted left by one, its carry dropped. */
const definition: CommandDefinition = {
  effect: 'read',
  request: [field('challenge', u32)],
  reply: [field('reply', u32)],
};

export const ping = single('PING', definition);
export const threadedPing = single('THREADED_PING', definition);
