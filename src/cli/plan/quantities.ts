const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** At least 32 bits wide, so that most of a column lines up. */
export function addressText(address: bigint): string {
  return `0x${address.toString(16).padStart(8, '0')}`;
}

/** First and last address, each in a column of its own width: 40 bits hold all of `virt`. */
export function rangeText(address: bigint, size: bigint): string {
  return `${addressText(address).padEnd(12)} to ${addressText(address + size - 1n).padEnd(12)}`;
}

/** 64 KiB, 127 GiB, 1.5 KiB: in the largest unit that is exact, with a fraction where that is short. */
export function sizeText(bytes: bigint): string {
  let unit = 0;
  let whole = bytes;
  while (whole >= 1024n && whole % 1024n === 0n && unit < UNITS.length - 1) {
    whole /= 1024n;
    unit++;
  }
  const inNext = Number(whole) / 1024;
  if (whole > 1024n && unit < UNITS.length - 1 && Number.isInteger(inNext * 16))
    return `${inNext} ${UNITS[unit + 1]}`;
  return `${whole} ${UNITS[unit]}`;
}
