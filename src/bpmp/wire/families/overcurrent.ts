import { ThrottleCommand } from '../abi.js';
import { family, single } from '../family.js';
import { field } from '../struct/items.js';
import { array } from '../struct/nested.js';
import { choice, resource, u8, u32, u64 } from '../struct/scalars.js';

export const ocStatus = single('OC_STATUS', {
  effect: 'read',
  reply: [field('throt_en', array(u8, 24)), field('event_cnt', array(u32, 24))],
});

export const throttle = family('THROTTLE', 'word', ThrottleCommand, {
  QUERY_ABI: { effect: 'read', minimum: 4, request: [field('cmd', choice(u32, ThrottleCommand))] },
  GET_CHIPTHROT_STATUS: { effect: 'read', reply: [field('status', u64)] },
  SET_OC_CONFIG: {
    effect: 'change',
    minimum: 5,
    request: [field('id', resource('overcurrentAlarm', u32)), field('en_throttle', u8)],
  },
});
