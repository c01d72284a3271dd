import { PG_NAME_SIZE, PgCommand, PgState } from '../abi.js';
import { family } from '../family.js';
import { field, skip } from '../struct/items.js';
import { powerDomain } from '../struct/resources.js';
import { choice, u32 } from '../struct/scalars.js';
import { fixedText } from '../struct/text.js';

const domain = field('powerDomain', powerDomain);
const state = field('state', choice(u32, PgState));

export const pg = family('PG', 'word', PgCommand, {
  QUERY_ABI: { effect: 'read', request: [skip(4), field('type', choice(u32, PgCommand))] },
  SET_STATE: { effect: 'change', request: [domain, state] },
  GET_STATE: { effect: 'read', request: [domain], reply: [state] },
  GET_NAME: { effect: 'read', request: [domain], reply: [field('name', fixedText(PG_NAME_SIZE))] },
  GET_MAX_ID: { effect: 'read', request: [skip(4)], reply: [field('max_id', u32)] },
});
