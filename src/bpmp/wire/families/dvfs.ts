import { DvfsCommand } from '../abi.js';
import { family } from '../family.js';
import { field } from '../struct/items.js';
import { choice, resource, u32 } from '../struct/scalars.js';

/** DVFS: the header's minimum lengths leave the command word out. */
export const dvfs = family('DVFS', 'word', DvfsCommand, {
  QUERY_ABI: { effect: 'read', minimum: 4, request: [field('cmd_code', choice(u32, DvfsCommand))] },
  SET_CTRL_STATE: {
    effect: 'change',
    minimum: 8,
    request: [field('ctrl_id', resource('dvfsController', u32)), field('enable', u32)],
  },
  SET_MGR_STATE: {
    effect: 'change',
    minimum: 8,
    request: [field('mgr_id', resource('dvfsManager', u32)), field('enable', u32)],
  },
});
