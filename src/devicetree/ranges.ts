import type { AddressRange } from './addresses.js';

export function overlaps(a: AddressRange, b: AddressRange): boolean {
  return a.address < b.address + b.size && b.address < a.address + a.size;
}

/** Whether the ranges together leave nothing of `whole` out. */
export function covers(ranges: readonly AddressRange[], whole: AddressRange): boolean {
  let covered = whole.address;
  for (const range of ranges.toSorted((a, b) => (a.address < b.address ? -1 : 1))) {
    const end = range.address + range.size;
    if (range.address <= covered && end > covered) covered = end;
  }
  return covered >= whole.address + whole.size;
}
