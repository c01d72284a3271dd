import { single } from '../family.js';
import { field } from '../struct/items.js';
import { array } from '../struct/nested.js';
import { integer, resource, u16, u32 } from '../struct/scalars.js';

const cluster = field('cluster_id', resource('cluster', u32));

/** CPU_VHINT has the BPMP write at an address of the caller's. */
export const cpuVhint = single(
  'CPU_VHINT',
  { effect: 'change', request: [field('addr', u32), cluster] },
  { passesAddresses: true },
);

export const cpuNdivLimits = single('CPU_NDIV_LIMITS', {
  effect: 'read',
  request: [cluster],
  reply: [
    field('ref_clkHz', integer('u32', 'Hz')),
    field('pdiv', u16),
    field('mdiv', u16),
    field('ndiv_max', u16),
    field('ndiv_min', u16),
  ],
});

export const cpuAutoCc3 = single('CPU_AUTO_CC3', {
  effect: 'read',
  request: [cluster],
  reply: [field('auto_cc3_config', u32)],
});

export const gears = single('GEARS', {
  effect: 'read',
  reply: [field('ncpu', array(u32, 8)), field('ndiv_offset', array(u32, 8)), field('uv_threshold', u32)],
});
