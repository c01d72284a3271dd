import { HwpmCommand } from '../abi.js';
import { family } from '../family.js';
import { field } from '../struct/items.js';
import { array } from '../struct/nested.js';
import { choice, f32, i32, resource, u32 } from '../struct/scalars.js';
import { fixedText } from '../struct/text.js';

const err = field('err', u32);
const sensor = [field('sensor_id', resource('sensor', u32))];
const block = [field('sum_block_index', resource('sumBlock', u32))];
const ipmu = field('ipmu_phys_id', resource('ipmu', u32));

/**
 * HWPM: performance monitoring. The header's minimum lengths leave the command word out in some rows and the
 * replies begin with an error of their own.
 */
export const hwpm = family('HWPM', 'word', HwpmCommand, {
  QUERY_ABI: {
    effect: 'read',
    minimum: 4,
    request: [field('cmd_code', choice(u32, HwpmCommand))],
    reply: [err],
  },
  IPMU_SET_TRIGGERS: { effect: 'change', request: [ipmu, field('triggers', array(u32, 28))], reply: [err] },
  IPMU_SET_PAYLOADS_SHIFTS: {
    effect: 'change',
    request: [ipmu, field('payloads', array(u32, 26)), field('shifts', array(u32, 2))],
    reply: [err],
  },
  IPMU_GET_MAX_PAYLOADS: { effect: 'read', reply: [err, field('max_payloads', u32)] },
  NVTHERM_SET_SAMPLE_RATE: {
    effect: 'change',
    minimum: 4,
    request: [field('sample_rate', u32)],
    reply: [err],
  },
  NVTHERM_SET_BUBBLE_INTERVAL: {
    effect: 'change',
    minimum: 4,
    request: [field('bubble_interval', u32)],
    reply: [err],
  },
  NVTHERM_SET_FLEX_CHANNELS: { effect: 'change', request: [field('channels', array(u32, 29))], reply: [err] },
  ISENSE_GET_SENSOR_NAME: {
    effect: 'read',
    minimum: 4,
    request: sensor,
    reply: [err, field('sensor_name', fixedText(64))],
  },
  ISENSE_GET_SENSOR_CHANNEL: {
    effect: 'read',
    minimum: 4,
    request: sensor,
    reply: [err, field('channel_index', u32)],
  },
  ISENSE_GET_SENSOR_SCALE_FACTOR: {
    effect: 'read',
    minimum: 4,
    request: sensor,
    reply: [err, field('scale_factor', f32)],
  },
  ISENSE_GET_SENSOR_OFFSET: {
    effect: 'read',
    minimum: 4,
    request: sensor,
    reply: [err, field('offset_sensor_id', u32)],
  },
  ISENSE_GET_SUM_BLOCK_NAME: {
    effect: 'read',
    minimum: 4,
    request: block,
    reply: [err, field('sum_block_name', fixedText(64))],
  },
  ISENSE_GET_SUM_BLOCK_INPUTS: {
    effect: 'read',
    minimum: 4,
    request: block,
    reply: [err, field('input_channel_idx', array(i32, 16))],
  },
});
