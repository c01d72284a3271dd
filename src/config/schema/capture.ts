import * as z from 'zod';
import { aDuration, count, size, text } from './values.js';

export const capture = z
  .strictObject({
    file: text.describe(
      'The file that is written, pcapng; of older ones, `orin.1.pcapng` is the newest. It is readable to its owner alone.',
    ),
    maxSize: size.prefault('64M').describe('How large a file may become before the next one is begun.'),
    files: count(1, 1000).default(4).describe('How many files are kept, the one that is written among them.'),
    sync: aDuration()
      .prefault('1s')
      .describe('How often what was written is made to outlive a power cut; 0s is after every write.'),
  })
  .optional()
  .describe(
    "Where the guest's BPMP transfers are written as they happen, for `gpuvm bpmp trace` and Wireshark.",
  );
