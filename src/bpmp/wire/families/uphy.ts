import { UphyCommand } from '../abi.js';
import { family } from '../family.js';
import { field } from '../struct/items.js';
import { i32, u8, u16, u32 } from '../struct/scalars.js';

const endpoint = field('ep_controller', u8);

/** UPHY: the lane in the low half of the first word, the command in the high half. */
export const uphy = family('UPHY', 'half-word-with-lane', UphyCommand, {
  PCIE_LANE_MARGIN_CONTROL: {
    effect: 'change',
    request: [field('en', i32), field('clr', i32), field('x', u32), field('y', u32), field('nblks', u32)],
  },
  PCIE_LANE_MARGIN_STATUS: { effect: 'read', reply: [field('status', u32)] },
  PCIE_EP_CONTROLLER_PLL_INIT: { effect: 'change', request: [endpoint] },
  PCIE_CONTROLLER_STATE: { effect: 'change', request: [field('pcie_controller', u8), field('enable', u8)] },
  PCIE_EP_CONTROLLER_PLL_OFF: { effect: 'change', request: [endpoint] },
  DISPLAY_PORT_INIT: { effect: 'change', request: [field('link_rate', u16), field('lanes_bitmap', u16)] },
  DISPLAY_PORT_OFF: { effect: 'change' },
  XUSB_DYN_LANES_RESTORE: { effect: 'change', request: [field('lanes_bitmap', u16)] },
  LANE_EOM_SCAN: {
    effect: 'change',
    request: [field('brick', u32), field('lane_of_brick', u32), field('pcie_gen5', u32)],
    reply: [field('data', u32)],
  },
  PCIE_CONFIG_VDM: {
    effect: 'change',
    minimum: 3,
    request: [field('pcie_controller', u8), field('bdf', u16)],
  },
});
