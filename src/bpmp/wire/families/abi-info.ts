import { single } from '../family.js';
import { field } from '../struct/items.js';
import { mrq } from '../struct/resources.js';
import { i32, u16 } from '../struct/scalars.js';

/** QUERY_ABI: is an MRQ supported? `status` is 0 or -ENODEV. ABI_RATCHET: are two headers compatible? */
export const queryAbi = single('QUERY_ABI', {
  effect: 'read',
  request: [field('mrq', mrq)],
  reply: [field('status', i32)],
});

export const abiRatchet = single('ABI_RATCHET', {
  effect: 'read',
  request: [field('ratchet', u16)],
  reply: [field('ratchet', u16)],
});
