import { StrapCommand } from '../abi.js';
import { family } from '../family.js';
import { field } from '../struct/items.js';
import { resource, u32 } from '../struct/scalars.js';

export const strap = family('STRAP', 'word', StrapCommand, {
  SET: { effect: 'change', request: [field('id', resource('strap', u32)), field('value', u32)] },
});
