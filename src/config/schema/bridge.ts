import * as z from 'zod';
import { backendConfigSchema } from '../../bpmp/backend/schema.js';
import { address, text } from './values.js';

const layout = z.enum(['auto', 'shared', 'trapped']).default('auto');

export const bridge = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('none').describe('The guest has no BPMP.') }),
    z.strictObject({
      kind: z.literal('vfio-user').describe('A stock QEMU, 10.1 or newer: the window is a PCI device.'),
      layout: layout.describe(
        'Whether part of the window is a page shared with the guest; auto shares where that is sound.',
      ),
      // The window is 0x600 bytes; where it may lie, the bridge says.
      guestAddress: address
        .optional()
        .describe(
          "The window's guest-physical address, as virtual-pa in the guest's /bpmp node says it; by default 0x10800b00.",
        ),
    }),
    z.strictObject({
      kind: z
        .literal('ivc')
        .describe(
          "A stock QEMU, 10.1 or newer, and a kernel with the mainline's drivers: the BPMP as the chip has it.",
        ),
      layout: layout.describe(
        'Whether the messages lie in pages shared with the guest; auto shares where that is sound.',
      ),
    }),
    z.strictObject({
      kind: z.literal('interposed').describe('A patched QEMU that opens the host device itself, unchanged.'),
      device: text.default('/dev/bpmp-host').describe('The path that this QEMU opens.'),
      guestAddress: address
        .optional()
        .describe("Where this QEMU has the window, as virtual-pa in the guest's /bpmp node says it."),
    }),
  ])
  .prefault({ kind: 'none' })
  .describe("How the guest's BPMP requests arrive.");

export const backend = backendConfigSchema
  .default({ kind: 'simulated' })
  .describe('What answers the requests that are let through.');

export const policy = text.optional().describe('The policy that decides; needed with a bridge.');
