import { PwrCntrlCommand, PwrLimitCommand, PwrmodelCommand } from '../abi.js';
import { family } from '../family.js';
import { field } from '../struct/items.js';
import { choice, integer, resource, u32 } from '../struct/scalars.js';

const limit = field('limit_id', resource('powerLimit', u32));
const source = field('limit_src', u32);
const kind = field('limit_type', choice(u32, { TARGET_CAP: 0, BOUND_MAX: 1, BOUND_MIN: 2 }));
const setting = field('limit_setting', u32);

export const pwrLimit = family('PWR_LIMIT', 'word', PwrLimitCommand, {
  QUERY_ABI: { effect: 'read', request: [field('cmd_code', choice(u32, PwrLimitCommand))] },
  SET: { effect: 'change', request: [limit, source, kind, setting] },
  GET: { effect: 'read', request: [limit, source, kind], reply: [setting] },
  CURR_CAP: { effect: 'read', request: [limit], reply: [field('curr_cap', u32)] },
});

export const pwrmodel = family('PWRMODEL', 'word', PwrmodelCommand, {
  QUERY_ABI: { effect: 'read', request: [field('cmd_code', choice(u32, PwrmodelCommand))] },
  PWR_GET: {
    effect: 'read',
    request: [
      field('work_load_factor', u32),
      field('cpu_frequencyKHz', integer('u32', 'kHz')),
      field('temperatureMilliC', integer('i32', 'milliC')),
    ],
    reply: [field('powerMW', integer('u32', 'mW'))],
  },
});

const controller = field('cntrl_id', resource('powerController', u32));

export const pwrCntrl = family('PWR_CNTRL', 'word', PwrCntrlCommand, {
  QUERY_ABI: { effect: 'read', request: [field('cmd_code', choice(u32, PwrCntrlCommand))] },
  BYPASS_SET: { effect: 'change', request: [controller, field('bypass_setting', u32)] },
  BYPASS_GET: { effect: 'read', request: [controller], reply: [field('bypass_status', u32)] },
});
