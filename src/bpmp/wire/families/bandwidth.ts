import { BwmgrCommand, BwmgrIntCommand, IsoClientCommand } from '../abi.js';
import { family } from '../family.js';
import { count, field, list } from '../struct/items.js';
import { record } from '../struct/nested.js';
import { choice, integer, resource, u8, u32 } from '../struct/scalars.js';

const kBps = integer('u32', 'kBps');
const kHz = integer('u32', 'kHz');
const client = resource('bandwidthClient', u32);
const floorUnit = field('floor_unit', choice(u8, { KBPS: 0, KHZ: 1 }));

/** BWMGR: the list of clients is counted; the header's list of minimum lengths forgets the command word. */
export const bwmgr = family('BWMGR', 'word', BwmgrCommand, {
  QUERY_ABI: { effect: 'read', request: [field('type', choice(u32, BwmgrCommand))] },
  CALC_RATE: {
    effect: 'read',
    request: [
      field('sum_niso_bwKBps', kBps),
      count('num_iso_clients', u32),
      list('isobw_reqs', record({ id: u32, iso_bwKBps: kBps }), { max: 13, count: 'num_iso_clients' }),
    ],
    reply: [field('iso_rate_minKHz', kHz), field('total_rate_minKHz', kHz)],
  },
});

export const bwmgrInt = family('BWMGR_INT', 'word', BwmgrIntCommand, {
  QUERY_ABI: { effect: 'read', request: [field('type', choice(u32, BwmgrIntCommand))] },
  CALC_AND_SET: {
    effect: 'change',
    minimum: 16,
    request: [
      field('client_id', client),
      field('niso_bwKBps', kBps),
      field('iso_bwKBps', kBps),
      // In kHz or kB/s, as floor_unit says.
      field('mc_floor', u32),
      floorUnit,
    ],
    reply: [field('rateHz', integer('u64', 'Hz'))],
  },
  CAP_SET: { effect: 'change', minimum: 8, request: [field('rateHz', integer('u64', 'Hz'))] },
  CURR_AVAILABLE_BW: {
    effect: 'read',
    request: [field('id', client)],
    reply: [field('cap_rateKHz', integer('u64', 'kHz')), field('available_bwKBps', integer('u64', 'kBps'))],
  },
  GET_LAST_REQUEST: {
    effect: 'read',
    request: [field('id', client), floorUnit],
    reply: [
      field('client_id', client),
      field('niso_bwKBps', kBps),
      field('iso_bwKBps', kBps),
      field('mc_floor', u32),
      floorUnit,
    ],
  },
});

export const isoClient = family('ISO_CLIENT', 'word', IsoClientCommand, {
  QUERY_ABI: { effect: 'read', request: [field('type', choice(u32, IsoClientCommand))] },
  CALCULATE_LA: {
    effect: 'read',
    request: [field('id', client), field('bwKBps', kBps), field('init_bw_floorKBps', kBps)],
    reply: [field('la_rate_floorKHz', kHz), field('iso_client_only_rateKHz', kHz)],
  },
  SET_LA: {
    effect: 'change',
    request: [field('id', client), field('bwKBps', kBps), field('final_bw_floorKBps', kBps)],
  },
  GET_MAX_BW: {
    effect: 'read',
    request: [field('id', client)],
    reply: [
      count('num_pairs', u32),
      list('pairs', record({ freqKHz: kHz, iso_bwKBps: kBps }), { max: 14, count: 'num_pairs', whole: true }),
    ],
  },
});
