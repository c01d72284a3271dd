import { describe, expect, it } from 'vitest';
import {
  danglingReferences,
  duplicatePhandles,
  emptyTree,
  findLabel,
  interruptsOf,
  memoryRanges,
  memoryRegionsOf,
  phandlesOf,
  platformNameOf,
  readStrings,
  referrersOf,
  reservedMemory,
  reservedRanges,
  walk,
  writeTree,
} from '../../src/devicetree/index.js';
import { dtcLint, hasDtc } from './dtc.js';
import { hostBlob, hostTree } from './fixtures/tegra234.js';

/** As the kernel's own Tegra234 trees have them. */
const usual =
  /__symbols__:gpio: |duplicate unit-address|Missing #address-cells in interrupt provider|also defined at|^\s/;

describe.skipIf(!hasDtc)('the tree of an Orin-shaped host', () => {
  // What a skipped suite declares is run all the same.
  const tree = hasDtc ? hostTree() : emptyTree();
  const phandles = phandlesOf(tree);
  const node = (label: string) => findLabel(tree, label)!;

  it('is one that dtc has little against', () => {
    expect(dtcLint(hostBlob(), 'dtb').filter((line) => !usual.test(line))).toEqual([]);
    expect(danglingReferences(tree)).toEqual([]);
    expect(duplicatePhandles(tree)).toEqual(new Map());
  });

  it('is read and written back byte for byte', () => {
    expect(Buffer.compare(writeTree(tree), hostBlob())).toBe(0);
  });

  it('has its devices where Linux finds them', () => {
    const names = ['gpu', 'vic', 'nvdec', 'nvjpg1', 'host1x', 'display', 'dce', 'mgbe0', 'uarta'];
    expect(names.map((name) => platformNameOf(node(name)))).toEqual([
      '17000000.gpu',
      '15340000.vic',
      '15480000.nvdec',
      '15540000.nvjpg',
      '13e00000.host1x',
      '13800000.display',
      'd800000.dce',
      '6800000.ethernet',
      '3100000.serial',
    ]);
  });

  it('has every interrupt at a controller', () => {
    const lost = [...walk(tree.root)].filter((each) => {
      const interrupts = interruptsOf(each, phandles);
      return interrupts === undefined || interrupts.includes(undefined);
    });
    expect(lost.map(({ path }) => path)).toEqual([]);
    expect(interruptsOf(node('gpu'), phandles)).toEqual(
      [68, 70, 71, 67].map((line) => ({ controller: node('gic'), cells: [0, line, 4] })),
    );
  });

  it('says who refers to whom', () => {
    const to = (label: string, property: RegExp) =>
      (referrersOf(tree).get(node(label)) ?? [])
        .filter((reference) => property.test(reference.property))
        .map(({ from, args }) => `${from.name}${args.map((each) => ` ${each}`).join('')}`);
    expect(to('host1x', /./)).toEqual(['pcie-ep@14160000', 'pcie-ep@141a0000', 'pcie-ep@141e0000']);
    expect(to('smmu_niso1', /^iommus$/)).toEqual(
      expect.arrayContaining(['vic@15340000 52', 'mmc@3460000 2', 'host1x@13e00000 39']),
    );
    expect(to('smmu_niso0', /^iommu-map$/)).toContain('pcie@14160000 19 4096');
    expect(to('bpmp', /^clocks$/).filter((each) => / 40$/.test(each))).toEqual([
      'fuse@3810000 40',
      'display@13800000 40',
      'nvdec@15480000 40',
      'tsec@15500000 40',
    ]);
    expect(to('gic', /^interrupt-map$/)).toEqual(['pcie@14160000 0 51 4']);
  });

  it('says what of memory is whose', () => {
    expect(memoryRanges(tree)).toEqual([
      { address: 0x8000_0000n, size: 0x7c00_0000n },
      { address: 0x1_0000_0000n, size: 0x7_0000_0000n },
    ]);
    expect(reservedRanges(tree).map(({ by, isKept }) => `${by} ${isKept}`)).toEqual([
      '/memreserve/ true',
      '/reserved-memory/framebuffer@f0000000 true',
      '/reserved-memory/generic-carveout@100000000 true',
      '/reserved-memory/ramoops@f8000000 false',
    ]);
    const [pool, vpr] = reservedMemory(tree);
    expect(pool).toMatchObject({ regions: [], size: 0x1000_0000n, isReusable: true, isKept: false });
    expect(vpr).toMatchObject({ size: 0x2a00_0000n, alignment: 0x40_0000n, isKept: true });
    expect(memoryRegionsOf(node('display'), phandles)).toEqual([node('fb0_reserved')]);
    expect(readStrings(node('bpmp').get('compatible'))).toContain('nvidia,tegra186-bpmp');
  });
});
