import { single } from '../family.js';
import { count, field, list } from '../struct/items.js';
import { record } from '../struct/nested.js';
import { choice, integer, u32 } from '../struct/scalars.js';

const kHz = integer('u32', 'kHz');
const pairs = (fields: Parameters<typeof record>[0]) => [
  count('num_pairs', u32),
  list('pairs', record(fields), { max: 14, count: 'num_pairs', whole: true }),
];

/**
 * The memory controller's tables. The header's list of minimum lengths gives the first two 8 bytes, but their
 * requests have no payload and Linux sends none.
 */
export const emcDvfsLatency = single('EMC_DVFS_LATENCY', {
  effect: 'read',
  reply: pairs({ freqKHz: kHz, latencyNs: integer('u32', 'ns') }),
});

export const emcDvfsEmchub = single('EMC_DVFS_EMCHUB', {
  effect: 'read',
  reply: pairs({ freqKHz: kHz, hub_freqKHz: kHz }),
});

export const emcDispRfl = single('EMC_DISP_RFL', {
  effect: 'change',
  request: [field('mode', choice(u32, { DISABLED: 0, ENABLED: 1 }))],
});
