import { single } from '../family.js';
import { field } from '../struct/items.js';
import { choice, u32 } from '../struct/scalars.js';

/** SHUTDOWN: of the whole machine, not of a guest. */
export const shutdown = single('SHUTDOWN', {
  effect: 'change',
  request: [field('state', choice(u32, { POWER_OFF: 0, REBOOT: 1, SUSPEND: 2 }))],
});
