import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cells, findLabel, phandleOf, phandlesOf, type TreeNode } from '../../../src/devicetree/index.js';
import { iommuName, isSameStream, type Stream, streamsOf } from '../../../src/passthrough/index.js';
import { hostTree } from '../../devicetree/fixtures/tegra234.js';

const tree = hostTree();
const smmu = findLabel(tree, 'smmu_niso0')!;
const stream = (first: number, count = 1, iommu: TreeNode = smmu): Stream => ({
  iommu,
  first,
  count,
  name: undefined,
  property: 'iommus',
});

describe('IOMMU streams', () => {
  it('are those of iommus and of iommu-map, with the names of their SMMU', () => {
    const found = streamsOf(findLabel(tree, 'host1x')!, phandlesOf(tree));
    expect(
      found
        .map(({ iommu, first, name, property }) => [iommuName(tree, iommu), first, name, property])
        .slice(0, 3),
    ).toEqual([
      ['smmu_niso1', 39, 'HOST1X', 'iommus'],
      ['smmu_niso0', 53, 'HOST1X_CTX0', 'iommu-map'],
      ['smmu_niso0', 54, 'HOST1X_CTX1', 'iommu-map'],
    ]);
    expect(found).toHaveLength(9);
  });

  it('are one behind a bus whose ids are all masked out', () => {
    expect(streamsOf(findLabel(tree, 'pcie_c4')!, phandlesOf(tree))).toMatchObject([{ first: 19, count: 1 }]);
    const whole = hostTree();
    const bus = findLabel(whole, 'pcie_c4')!;
    bus.properties.delete('iommu-map-mask');
    expect(streamsOf(bus, phandlesOf(whole))).toMatchObject([{ first: 19, count: 0x1000 }]);
    bus.set('iommu-map-mask', cells(0));
    bus.set('iommu-map', cells(0x100, phandleOf(findLabel(whole, 'smmu_niso0')!)!, 19, 0x1000));
    expect(streamsOf(bus, phandlesOf(whole))).toEqual([]);
  });

  it('are the same where the IOMMU cannot tell them apart', () => {
    expect(isSameStream(stream(4), stream(4))).toBe(true);
    expect(isSameStream(stream(4), stream(5))).toBe(false);
    // stream-match-mask = 0x7f80
    expect(isSameStream(stream(4), stream(0x84))).toBe(true);
    expect(isSameStream(stream(4), stream(4, 1, findLabel(tree, 'smmu_niso1')!))).toBe(false);
    expect(isSameStream(stream(4), stream(0, 5))).toBe(true);
    expect(isSameStream(stream(5), stream(0, 5))).toBe(false);
  });

  it('are compared as an IOMMU with a mask would, id by id', () => {
    const ids = fc.integer({ min: 0, max: 0x1ff });
    const counts = fc.integer({ min: 1, max: 20 });
    const plain = hostTree();
    const unmasked = findLabel(plain, 'smmu_niso0')!;
    unmasked.properties.delete('stream-match-mask');
    fc.assert(
      fc.property(ids, counts, ids, counts, fc.boolean(), (a, countA, b, countB, masked) => {
        const iommu = masked ? smmu : unmasked;
        const mask = masked ? 0x7f80 : 0;
        let expected = false;
        for (let i = a; i < a + countA; i++)
          for (let j = b; j < b + countB; j++) if (((i ^ j) & ~mask) === 0) expected = true;
        return isSameStream(stream(a, countA, iommu), stream(b, countB, iommu)) === expected;
      }),
    );
  });

  it('of any size are compared in no time', () => {
    expect(isSameStream(stream(0, 0xffff_ffff), stream(7, 0xffff_ffff))).toBe(true);
  });
});
