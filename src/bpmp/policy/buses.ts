import type { BusLine } from './model.js';
import { quote } from './problems.js';
import type { Entry, Reader } from './reader.js';
import { isEmpty } from './resources.js';

/** `cmd_i2c_xfer_request::bus_id` is 5 on Tegra234 and its forerunners, 1 elsewhere; nothing larger is known. */
const MAX_BUS = 15;
const MAX_ADDRESS = 0x7f;

/** The lines of `i2c:`: the 7-bit addresses that the VM may talk to, by bus. */
export function readBuses(section: Entry | undefined, reader: Reader): Map<number, BusLine> {
  const lines = new Map<number, BusLine>();
  if (section === undefined || isEmpty(section, reader)) return lines;
  for (const entry of reader.entries(section.value, '"i2c"', section.place) ?? []) {
    const bus = Number(entry.key);
    if (!/^\d+$/.test(entry.key) || bus > MAX_BUS) {
      reader.problems.mistake(
        `${quote(entry.key)} is no I2C bus: write a number from 0 to ${MAX_BUS}`,
        entry.place,
      );
      continue;
    }
    const addresses = readAddresses(entry, reader);
    if (addresses === undefined) continue;
    const earlier = lines.get(bus);
    if (earlier !== undefined) {
      const at = earlier.rule.place?.line;
      reader.problems.mistake(`I2C bus ${bus} is already given at line ${at}: keep one`, entry.place);
      continue;
    }
    const place = entry.place;
    lines.set(bus, { addresses, rule: { text: `${place.file}:${place.line} i2c.${entry.key}`, place } });
  }
  return lines;
}

function readAddresses(entry: Entry, reader: Reader): Set<number> | undefined {
  if (reader.plain(entry.value) === 'none') return new Set();
  const items = reader.items(entry.value);
  if (items === undefined) {
    reader.problems.mistake(
      `I2C bus ${quote(entry.key)} takes a list of addresses such as [0x3c], or none`,
      entry.place,
    );
    return undefined;
  }
  const addresses = new Set<number>();
  for (const item of items) {
    const address = reader.plain(item);
    if (typeof address === 'number' && Number.isInteger(address) && address >= 0 && address <= MAX_ADDRESS) {
      addresses.add(address);
    } else {
      reader.problems.mistake('an I2C address is a number from 0 to 0x7f', reader.place(item));
    }
  }
  return addresses;
}
