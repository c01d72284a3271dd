const UNITS = ['', ' KiB', ' MiB', ' GiB', ' TiB'];

export function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** 64 KiB, 768 MiB; in bytes where it is no whole number of KiB. */
export function sizeText(bytes: bigint): string {
  let unit = 0;
  let value = bytes;
  for (; value >= 1024n && value % 1024n === 0n && unit < UNITS.length - 1; unit++) value /= 1024n;
  return unit === 0 ? `${bytes} bytes` : `${value}${UNITS[unit]}`;
}
