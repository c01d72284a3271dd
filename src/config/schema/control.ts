import * as z from 'zod';
import { account, aDuration, flag, text, written } from './values.js';

export const control = z
  .strictObject({
    socket: text.optional().describe("The socket's path; by default NAME.sock in gpuvm's run-time folder."),
    group: account.optional().describe('The group that owns the socket, and so may control the VM.'),
    mode: written(
      (value) => (/^0?[0-7]{3}$/.test(value) ? Number.parseInt(value, 8) : undefined),
      'permissions in quotation marks, such as "0660"',
      '^0?[0-7]{3}$',
    )
      .prefault('0660')
      .describe("The socket's permissions, in quotation marks."),
  })
  .prefault({})
  .describe('The socket that `gpuvm status`, `gpuvm stop` and the others talk to.');

const readyDeadline = aDuration()
  .prefault('5min')
  .describe('How long it may take; a VM that is not ready by then is stopped.');

export const ready = z
  .discriminatedUnion('when', [
    z.strictObject({
      when: z.literal('qmp').describe('QEMU runs, and its monitor answers.'),
      deadline: readyDeadline,
    }),
    z.strictObject({
      when: z.literal('console').describe('The guest has written the marker to its console.'),
      marker: text.describe('The text that is waited for.'),
      deadline: readyDeadline,
    }),
    z.strictObject({
      when: z.literal('guest-agent').describe("The guest's agent answers; needs guestAgent."),
      deadline: readyDeadline,
    }),
  ])
  .prefault({ when: 'qmp' })
  .describe('When the VM counts as started, for systemd and for whoever waits.');

export const guestAgent = flag
  .default(false)
  .describe('Whether the guest gets a channel for its agent (virtio-serial, org.qemu.guest_agent.0).');
