import { single } from '../family.js';
import { field } from '../struct/items.js';
import { u32 } from '../struct/scalars.js';
import { fixedText } from '../struct/text.js';

/** QUERY_TAG, which has the BPMP write at an address of the caller's, and QUERY_FW_TAG, which replaced it. */
export const queryTag = single(
  'QUERY_TAG',
  { effect: 'change', request: [field('addr', u32)] },
  { passesAddresses: true },
);

export const queryFwTag = single('QUERY_FW_TAG', { effect: 'read', reply: [field('tag', fixedText(32))] });
