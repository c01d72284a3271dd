import * as z from 'zod';
import { flag, size, text } from './values.js';

export const memory = size.optional().describe('How much RAM the guest has, such as 2G.');

const share = (byDefault: boolean) =>
  flag.default(byDefault).describe('Whether other processes (a vhost-user server, say) may map it too.');
const preallocate = (byDefault: boolean) =>
  flag.default(byDefault).describe('Whether all of it is taken from the host before the guest starts.');
const lock = flag
  .default(false)
  .describe("Whether all of QEMU's memory is locked (-overcommit mem-lock=on).");

export const memoryBackend = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('ram').describe('Anonymous memory.'),
      share: share(false),
      preallocate: preallocate(false),
      lock,
    }),
    z.strictObject({
      kind: z.literal('memfd').describe('A memory file without a name, which can be shared.'),
      share: share(true),
      preallocate: preallocate(false),
      lock,
    }),
    z.strictObject({
      kind: z.literal('file').describe('A file, or a device such as /dev/dax0.0.'),
      path: text.describe('The file, or a folder that QEMU makes an unnamed file in.'),
      share: share(true),
      preallocate: preallocate(false),
      lock,
    }),
    z.strictObject({
      kind: z.literal('hugepages').describe("The host's huge pages."),
      path: text
        .optional()
        .describe('Where a hugetlbfs is mounted, such as /dev/hugepages; by default a memfd of huge pages.'),
      hugepageSize: size
        .optional()
        .describe("The pages' size, such as 2M or 1G; by default the host's own. A mount has its own."),
      share: share(true),
      preallocate: preallocate(true),
      lock,
    }),
  ])
  .optional()
  .describe("What the guest's RAM is made of; by default QEMU's choice.");
