import { DebugCommand, MESSAGE_DATA_SIZE } from '../abi.js';
import { family } from '../family.js';
import { count, data, field, string } from '../struct/items.js';
import { resource, u32 } from '../struct/scalars.js';

const fd = resource('debugFile', u32);
const open = {
  request: [string('name', MESSAGE_DATA_SIZE - 4)],
  reply: [field('fd', fd), field('datalen', u32)],
};

/**
 * DEBUG: the firmware's debug files, a message at a time. What a file opened for writing does is up to the firmware:
 * clocks, resets and regulators can be changed by it. Closing leaves nothing behind and counts as reading.
 */
export const debug = family('DEBUG', 'word', DebugCommand, {
  OPEN_RO: { effect: 'read', ...open },
  OPEN_WO: { effect: 'change', ...open },
  READ: {
    effect: 'read',
    request: [field('fd', fd)],
    reply: [count('readlen', u32), data('data', 'text', { max: MESSAGE_DATA_SIZE - 4, count: 'readlen' })],
  },
  WRITE: {
    effect: 'change',
    request: [
      field('fd', fd),
      count('datalen', u32),
      data('data', 'text', { max: MESSAGE_DATA_SIZE - 12, count: 'datalen' }),
    ],
  },
  CLOSE: { effect: 'read', request: [field('fd', fd)] },
});
