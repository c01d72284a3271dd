import { SlcCommand } from '../abi.js';
import { family } from '../family.js';
import { field } from '../struct/items.js';
import { choice, u32 } from '../struct/scalars.js';

/** SLC: the system-level cache. */
export const slc = family('SLC', 'word', SlcCommand, {
  QUERY_ABI: { effect: 'read', request: [field('cmd_code', choice(u32, SlcCommand))] },
  BYPASS_SET: { effect: 'change', request: [field('bypass_setting', u32)] },
  BYPASS_GET: { effect: 'read', reply: [field('bypass_status', u32)] },
});
