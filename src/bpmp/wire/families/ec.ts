import { EcCommand } from '../abi.js';
import { family } from '../family.js';
import { count, field, list, skip } from '../struct/items.js';
import { record, variant } from '../struct/nested.js';
import { clock16 } from '../struct/resources.js';
import { choice, flags, i32, resource, u16, u32 } from '../struct/scalars.js';
import type { Type } from '../struct/value.js';

const errorTypes = {
  PARITY_INTERNAL: 1,
  ECC_SEC_INTERNAL: 2,
  ECC_DED_INTERNAL: 3,
  COMPARATOR: 4,
  REGISTER_PARITY: 5,
  PARITY_SRAM: 6,
  CLOCK_MONITOR: 9,
  VOLTAGE_MONITOR: 10,
  SW_CORRECTABLE: 16,
  SW_UNCORRECTABLE: 17,
  OTHER_HW_CORRECTABLE: 32,
  OTHER_HW_UNCORRECTABLE: 33,
};

const descriptorFlags = flags(u16, { RESOLVED: 1, NO_ID: 2 });
const simple = record({ desc_flags: descriptorFlags, err_source_id: u16 });
const software = record({ desc_flags: descriptorFlags, err_source_id: u16, sw_error_data: u32 });
const descriptors: Readonly<Record<string, Type>> = {
  CLOCK_MONITOR: record({
    desc_flags: descriptorFlags,
    fmon_clk: clock16,
    fmon_faults: u32,
    fmon_access_error: i32,
  }),
  VOLTAGE_MONITOR: record({
    desc_flags: descriptorFlags,
    vmon_adc_id: u16,
    vmon_faults: u32,
    vmon_access_error: i32,
  }),
  REGISTER_PARITY: record({
    desc_flags: descriptorFlags,
    reg_id: u16,
    reg_group: choice(u16, { FUNC_REG: 0, SCR_REG: 1 }),
  }),
  SW_CORRECTABLE: software,
  SW_UNCORRECTABLE: software,
};

const collector = field('ec_hsm_id', resource('errorCollector', u32));
const head = [
  collector,
  field('ec_status_flags', flags(u32, { NO_ERROR: 1, LAST_ERROR: 2, LATENT_ERROR: 4 })),
  field('error_idx', u32),
  field('error_type', choice(u32, errorTypes)),
];
const tail = [
  count('error_desc_num', u32),
  list('error_descs', variant(12, 'error_type', descriptors, simple), {
    max: 4,
    count: 'error_desc_num',
    whole: true,
  }),
];

/** EC: faults that error collectors reported. Each descriptor's form follows the error's type. */
export const ec = family('EC', 'word', EcCommand, {
  STATUS_GET: { effect: 'read', request: [collector], reply: [...head, ...tail] },
  STATUS_EX_GET: {
    effect: 'read',
    minimum: 12,
    request: [collector],
    reply: [...head, field('error_counter', u32), field('error_uval', u32), skip(4), ...tail],
  },
});
