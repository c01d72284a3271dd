import { DebugfsCommand } from '../abi.js';
import { type CommandDefinition, family } from '../family.js';
import { field, skip } from '../struct/items.js';
import { u32 } from '../struct/scalars.js';

/** DEBUGFS, deprecated: file names and contents are at addresses of the caller's. */
const file: CommandDefinition = {
  effect: 'change',
  request: [field('fnameaddr', u32), field('fnamelen', u32), field('dataaddr', u32), field('datalen', u32)],
  reply: [skip(4), skip(4), field('nbytes', u32)],
};

export const debugfs = family(
  'DEBUGFS',
  'word',
  DebugfsCommand,
  {
    READ: file,
    WRITE: file,
    DUMPDIR: {
      effect: 'change',
      request: [field('dataaddr', u32), field('datalen', u32)],
      reply: [skip(4), skip(4), field('nbytes', u32)],
    },
  },
  { passesAddresses: true },
);
