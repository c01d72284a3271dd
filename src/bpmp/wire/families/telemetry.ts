import { TelemetryExCommand } from '../abi.js';
import { family, single } from '../family.js';
import { field } from '../struct/items.js';
import { choice, u32, u64 } from '../struct/scalars.js';

/** TELEMETRY: the header's list of minimum lengths has 8 bytes, but its request has no payload. */
export const telemetry = single('TELEMETRY', { effect: 'read', reply: [field('data_buf_addr', u64)] });

export const telemetryEx = family('TELEMETRY_EX', 'word', TelemetryExCommand, {
  QUERY_ABI: { effect: 'read', request: [field('cmd_code', choice(u32, TelemetryExCommand))] },
  BASE_SZ_GET: {
    effect: 'read',
    minimum: 12,
    reply: [field('buf_base_addr', u64), field('buf_size', u32)],
  },
});
