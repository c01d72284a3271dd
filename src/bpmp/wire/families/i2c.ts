import { I2cCommand, MESSAGE_DATA_SIZE } from '../abi.js';
import { family } from '../family.js';
import { count, data, field } from '../struct/items.js';
import { resource, u32 } from '../struct/scalars.js';

/** I2C: `data_buf` is a row of packed segments (address, flags, length, and the bytes of a write). */
export const i2c = family('I2C', 'word', I2cCommand, {
  XFER: {
    effect: 'change',
    request: [
      field('bus_id', resource('i2cBus', u32)),
      count('data_size', u32),
      data('data_buf', 'hex', { max: MESSAGE_DATA_SIZE - 12, count: 'data_size' }),
    ],
    reply: [
      count('data_size', u32),
      data('data_buf', 'hex', { max: MESSAGE_DATA_SIZE - 4, count: 'data_size' }),
    ],
  },
});
