import type { PlatformBus } from '../../qemu/index.js';

const MIB = 1n << 20n;
const GIB = 1n << 30n;
/** LEGACY_RAMLIMIT_BYTES of hw/arm/virt.c: what lies above RAM begins no lower than this behind RAM's beginning. */
const RAM_LIMIT = 255n * GIB;

/** `extended_memmap` of hw/arm/virt.c: each aligned to its size, in this order. */
const above: readonly (readonly [name: string | undefined, size: bigint])[] = [
  // More of the GIC, where there are more than 123 CPUs; its place is kept free in any case.
  [undefined, 64n * MIB],
  ['PCI configuration (ECAM)', 256n * MIB],
  ['PCI memory (64 bits)', 512n * GIB],
];

/** Where PCI's large ranges are, by virt_set_memmap(): above RAM, or below it with `highmem=off`. */
export function highRanges(
  machine: string,
  { ramBase, ramSize }: PlatformBus,
): { name: string; address: bigint; size: bigint }[] {
  const isOff = (option: string) => new RegExp(`(^|,)${option}=(off|false|no)(,|$)`).test(machine);
  const low = { name: 'PCI configuration (ECAM)', address: 0x3f00_0000n, size: 16n * MIB };
  if (isOff('highmem')) return [low];
  const behindRam = alignUp(ramBase + ramSize, GIB);
  let at = behindRam > ramBase + RAM_LIMIT ? behindRam : ramBase + RAM_LIMIT;
  const found = [];
  for (const [name, size] of above) {
    const address = alignUp(at, size);
    at = address + size;
    if (name) found.push({ name, address, size });
  }
  const kept = found.filter(({ name }) => !(name.includes('64') && isOff('highmem-mmio')));
  return isOff('highmem-ecam') ? [low, ...kept.filter(({ name }) => !name.includes('ECAM'))] : kept;
}

function alignUp(value: bigint, to: bigint): bigint {
  return ((value + to - 1n) / to) * to;
}
