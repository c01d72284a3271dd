/** A comma in a value of QEMU's `key=value,…` options is written twice. */
export function escapeOption(value: string): string {
  return value.replaceAll(',', ',,');
}

export type OptionValue = string | number | boolean | bigint | undefined;

/**
 * `driver,key=value,…` as QEMU takes it after -device, -drive, -object and their like: what is undefined is left out,
 * true and false are on and off, and no value can become a second key. Without a driver it begins with the first key.
 */
export function options(driver: string, values: Readonly<Record<string, OptionValue>>): string {
  const pairs = Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${escapeOption(spelt(value))}`],
  );
  return [...(driver === '' ? [] : [escapeOption(driver)]), ...pairs].join(',');
}

function spelt(value: Exclude<OptionValue, undefined>): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return String(value);
}

export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}

/** `-name value`, or nothing where there is no value. */
export function option(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [name, value];
}

/** Bytes in the largest unit that fits: 4G, 1536M. */
export function formatSize(bytes: bigint): string {
  for (const [unit, shift] of [
    ['T', 40n],
    ['G', 30n],
    ['M', 20n],
  ] as const) {
    if (bytes % (1n << shift) === 0n) return `${bytes >> shift}${unit}`;
  }
  return `${bytes / 1024n}K`;
}
