import { describe, expect, it } from 'vitest';
import {
  cells,
  cpuToDmaAddress,
  dmaParentOf,
  dmaToCpuAddress,
  EMPTY,
  emptyTree,
  findLabel,
  findNode,
  fromCpuAddress,
  phandlesOf,
  rangesOf,
  regionsOf,
  strings,
  toCpuAddress,
} from '../../src/devicetree/index.js';
import { hasDtc } from './dtc.js';
import { hostTree } from './fixtures/tegra234.js';

/** A bus that moves addresses by 0x4000_0000, on it a PCIe bridge with memory, prefetchable memory and ports. */
function board() {
  const tree = emptyTree();
  tree.root.set('#address-cells', cells(2)).set('#size-cells', cells(2));
  const bus = tree.root
    .add('bus')
    .set('#address-cells', cells(1))
    .set('#size-cells', cells(1))
    .set('ranges', cells(0, 0x4000_0000n, 0x1000_0000, 0x8000_0000, 0x20_0000_0000n, 0x1000))
    .set('dma-ranges', cells(0, 0x1_0000_0000n, 0x1000_0000));
  bus.add('dev@100').set('reg', cells(0x100, 0x10));
  bus
    .add('pcie@2000')
    .set('device_type', strings('pci'))
    .set('#address-cells', cells(3))
    .set('#size-cells', cells(2))
    .set('ranges', cells(0x0200_0000, 0x5000_0000n, 0x10_0000, 0x1000n, 0x0100_0000, 0n, 0x20_0000, 0x1000n));
  return tree;
}

describe('addresses', () => {
  const tree = board();
  const bus = findNode(tree, '/bus')!;
  const pcie = findNode(tree, '/bus/pcie')!;

  it('are moved through a bus both ways', () => {
    expect(toCpuAddress(bus, 0x100n)).toBe(0x4000_0100n);
    expect(toCpuAddress(bus, 0x8000_0fffn)).toBe(0x20_0000_0fffn);
    expect(toCpuAddress(bus, 0x8000_1000n)).toBeUndefined();
    expect(fromCpuAddress(bus, 0x20_0000_0004n)).toEqual({ address: 0x8000_0004n });
    expect(fromCpuAddress(bus, 0x100n)).toBeUndefined();
    expect(regionsOf(findNode(tree, '/bus/dev')!)).toEqual([{ address: 0x4000_0100n, size: 0x10n }]);
  });

  it("are PCI's by their space", () => {
    expect(toCpuAddress(pcie, { flags: 0x0200_0000, address: 0x5000_0010n })).toBe(0x4010_0010n);
    expect(toCpuAddress(pcie, { flags: 0x4300_0000, address: 0x5000_0010n })).toBe(0x4010_0010n);
    expect(toCpuAddress(pcie, { flags: 0x0100_0000, address: 0x10n })).toBe(0x4020_0010n);
    expect(toCpuAddress(pcie, { flags: 0x0200_0000, address: 0x10n })).toBeUndefined();
    // A function's own registers are in no window.
    expect(toCpuAddress(pcie, { flags: 0x0001_0800, address: 0n })).toBeUndefined();
    expect(fromCpuAddress(pcie, 0x4010_0ff0n)).toEqual({ flags: 0x0200_0000, address: 0x5000_0ff0n });
    expect(rangesOf(pcie)).toHaveLength(2);
  });

  it('lead nowhere without ranges, and to the same with empty ones', () => {
    const other = board();
    const inner = findNode(other, '/bus')!.add('inner');
    expect(toCpuAddress(inner, 0x10n)).toBeUndefined();
    expect(rangesOf(inner)).toBeUndefined();
    inner.set('ranges', EMPTY);
    expect(toCpuAddress(inner, 0x10n)).toBe(0x4000_0010n);
    // Cells that make no number.
    findNode(other, '/bus')!.set('#address-cells', cells(0xffff_ffff));
    expect(toCpuAddress(inner, 0x10n)).toBeUndefined();
  });
});

describe('DMA', () => {
  it('goes through dma-ranges both ways', () => {
    const tree = board();
    const phandles = phandlesOf(tree);
    const dev = findNode(tree, '/bus/dev')!;
    expect(dmaToCpuAddress(dev, 0x10n, phandles)).toBe(0x1_0000_0010n);
    expect(cpuToDmaAddress(dev, 0x1_0000_0010n, phandles)).toBe(0x10n);
    expect(cpuToDmaAddress(dev, 0x10n, phandles)).toBeUndefined();
  });

  it.skipIf(!hasDtc)('goes where the interconnect dma-mem leads', () => {
    const tree = hostTree();
    const phandles = phandlesOf(tree);
    const vic = findLabel(tree, 'vic')!;
    expect(dmaParentOf(vic, phandles)).toBe(findLabel(tree, 'mc'));
    expect(dmaToCpuAddress(vic, 0x7f_ffff_ffffn, phandles)).toBe(0x7f_ffff_ffffn);
    // The memory controller has 39 bits of it.
    expect(dmaToCpuAddress(vic, 0x80_0000_0000n, phandles)).toBeUndefined();
    expect(dmaParentOf(findLabel(tree, 'gpu')!, phandles)?.path).toBe('/bus@0');
  });

  it('goes round in no circle', () => {
    const tree = board();
    const bus = findNode(tree, '/bus')!.set('phandle', cells(1)).set('#interconnect-cells', cells(0));
    bus.set('interconnects', cells(1)).set('interconnect-names', strings('dma-mem'));
    expect(dmaToCpuAddress(findNode(tree, '/bus/dev')!, 0n, phandlesOf(tree))).toBe(0x1_0000_0000n);
  });
});
