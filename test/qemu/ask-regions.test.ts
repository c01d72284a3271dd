import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseRegions } from '../../src/qemu/ask-regions.js';

const tree = [
  'address-space: cpu-memory-0',
  '  0000000000000000-00000000000000ff (prio 0, i/o): of another address space',
  '',
  'address-space: memory',
  '  0000000000000000-ffffffffffffffff (prio 0, i/o): system',
  '    000000000c000000-000000000dffffff (prio 0, i/o): platform bus',
  '    0000000010000000-000000003efeffff (prio 0, i/o): alias gpex_mmio_window_low @gpex_mmio_window 0000000010000000-000000003efeffff',
  '    0000000040000000-0000000047ffffff (prio 0, ram): mach-virt.ram',
  '',
  'address-space: I/O',
  '  0000000000000000-000000000000ffff (prio 0, i/o): io',
];

it.each(['\n', '\r\n'])('reads the regions of memory alone, with lines that end in %j', (end) => {
  expect(parseRegions(tree.join(end))).toEqual([
    { name: 'system', address: 0n, size: 1n << 64n },
    { name: 'platform bus', address: 0xc00_0000n, size: 0x200_0000n },
    {
      name: 'alias gpex_mmio_window_low @gpex_mmio_window 0000000010000000-000000003efeffff',
      address: 0x1000_0000n,
      size: 0x2eff_0000n,
    },
    { name: 'mach-virt.ram', address: 0x4000_0000n, size: 0x800_0000n },
  ]);
});

it('takes any text without complaint', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(tree.length), (text, at) => {
      const regions = parseRegions(tree.toSpliced(at, 1, text).join('\r\n'));
      expect(regions.every(({ size }) => typeof size === 'bigint')).toBe(true);
    }),
  );
});
