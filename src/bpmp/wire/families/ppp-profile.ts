import { PppProfileCommand } from '../abi.js';
import { family } from '../family.js';
import { field } from '../struct/items.js';
import { array } from '../struct/nested.js';
import { choice, resource, u32 } from '../struct/scalars.js';

const err = field('err', u32);

/** PPP_PROFILE: power and performance profiles; replies begin with an error of their own. */
export const pppProfile = family('PPP_PROFILE', 'word', PppProfileCommand, {
  PROFILE_QUERY_ABI: {
    effect: 'read',
    request: [field('cmd_code', choice(u32, PppProfileCommand))],
    reply: [err],
  },
  PROFILE_QUERY_MASKS: {
    effect: 'read',
    request: [field('profile_id', resource('profile', u32))],
    reply: [
      err,
      field('num_active_cores', u32),
      field('num_active_slcs', u32),
      field('max_num_core_words', u32),
      field('max_num_slc_words', u32),
      field('active_core_masks', array(u32, 8)),
      field('active_slc_masks', array(u32, 8)),
    ],
  },
  CORE_QUERY_CPU_MASK: {
    effect: 'read',
    request: [field('num_cores', u32)],
    reply: [err, field('max_num_words', u32), field('active_core_masks', array(u32, 8))],
  },
  AVAILABLE_QUERY: { effect: 'read', reply: [err, field('avail_ppp_mask', u32)] },
});
