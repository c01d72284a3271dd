import * as z from 'zod';
import { count, writtenOrNumber } from './values.js';

const id = writtenOrNumber(
  (value) => {
    const number =
      typeof value === 'string' ? (/^0x[0-9a-f]{1,4}$/i.test(value) ? Number(value) : -1) : value;
    return Number.isInteger(number) && number >= 0 && number <= 0xffff ? number : undefined;
  },
  'a USB id such as 0x0955',
  '^0[xX][0-9a-fA-F]{1,4}$',
);

/** Bus 1, port 2.4: hubs are separated by dots. YAML reads 2 and 2.4 as numbers. */
const port = writtenOrNumber(
  (value) => (/^\d{1,3}(\.\d{1,3}){0,6}$/.test(String(value)) ? String(value) : undefined),
  'a USB port such as "2" or "1.4", in quotation marks',
);

const device = z.strictObject({
  vendorId: id.optional().describe("The device's vendor, such as 0x0955; goes with productId."),
  productId: id.optional().describe("The device's product; the first device of that kind is taken."),
  hostBus: count(1, 255)
    .optional()
    .describe("The host's bus that it is on; goes with hostPort or hostAddress."),
  hostPort: port
    .optional()
    .describe('The port that it is plugged into, which stays the same; "1.4" is port 4 of the hub at 1.'),
  hostAddress: count(1, 127)
    .optional()
    .describe('Its address on the bus, which changes each time it is plugged in.'),
});

export const usb = z
  .array(device)
  .prefault([])
  .describe(
    "USB devices of the host's that the guest gets, by what they are or by where they are plugged in.",
  );
