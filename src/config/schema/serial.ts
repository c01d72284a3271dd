import * as z from 'zod';
import { text } from './values.js';

const port = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z
      .literal('console')
      .describe("gpuvm's console of this VM: the terminal, its log, `gpuvm console`."),
  }),
  z.strictObject({
    kind: z.literal('file').describe('What the guest writes goes to a file.'),
    path: text.describe('The file; it is made anew at each start.'),
  }),
  z.strictObject({
    kind: z.literal('unix').describe('A Unix socket that QEMU listens on.'),
    path: text.describe("The socket's path."),
  }),
  z.strictObject({ kind: z.literal('pty').describe('A pseudo-terminal; QEMU says which.') }),
  z.strictObject({
    kind: z.literal('device').describe("A serial device of the host's."),
    path: text.describe('The device, such as /dev/ttyUSB0.'),
  }),
  z.strictObject({ kind: z.literal('null').describe('A port that leads nowhere.') }),
]);

export const serial = z
  .array(port)
  .optional()
  .describe("The guest's serial ports, in order; by default one, gpuvm's console.");
