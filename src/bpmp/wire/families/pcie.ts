import { PcieCommand } from '../abi.js';
import { family } from '../family.js';
import { field } from '../struct/items.js';
import { resource, u8 } from '../struct/scalars.js';

export const pcie = family('PCIE', 'word', PcieCommand, {
  EP_CONTROLLER_INIT: {
    effect: 'change',
    minimum: 5,
    request: [
      field('ep_controller', resource('pcieController', u8)),
      field('progif_code', u8),
      field('subclass_code', u8),
      field('baseclass_code', u8),
      field('deviceid', u8),
      field('bar1_size', u8),
    ],
  },
  EP_CONTROLLER_OFF: { effect: 'change', request: [field('ep_controller', resource('pcieController', u8))] },
  RP_CONTROLLER_OFF: { effect: 'change', request: [field('rp_controller', resource('pcieController', u8))] },
});
