import { describe, expect, it } from 'vitest';
import {
  findLabel,
  findNode,
  phandlesOf,
  printTree,
  specifiersOf,
  type Tree,
} from '../../src/devicetree/index.js';
import { nameOfReference, nameOfSpecifier, shortNameOf } from '../../src/passthrough/index.js';
import { hostTree } from '../devicetree/fixtures/tegra234.js';

const tree = hostTree();
const node = (label: string, of: Tree = tree) => findLabel(of, label)!;

describe("the names of a provider's numbers", () => {
  it.each([
    ['clocks', 304, 'GPUSYS'],
    ['assigned-clocks', 304, 'GPUSYS'],
    ['assigned-clock-parents', 102, 'PLLP_OUT0'],
    ['resets', 19, 'GPU'],
    ['power-domains', 35, 'GPU'],
    ['clocks', 60_000, undefined],
    ['mboxes', 304, undefined],
    ['constructor', 304, undefined],
  ])('calls what %s has of the BPMP, %i, %s', (property, id, name) => {
    expect(nameOfSpecifier(node('bpmp'), property, [id])).toBe(name);
  });

  it.each([
    ['smmu_iso', 4, 'ISO_VI2'],
    ['smmu_niso0', 4, 'GPCDMA'],
    ['smmu_niso1', 4, 'HWMP_PMA'],
    ['smmu_niso0', 53, 'HOST1X_CTX0'],
    ['smmu_niso1', 53, 'HOST1X_CTX0'],
    ['smmu_niso0', 31, 'PCIE9'],
    ['smmu_niso1', 9, 'PCIE8'],
    ['smmu_iso', 127, 'PASSTHROUGH'],
    ['smmu_iso', 52, undefined],
  ])('calls a stream by the SMMU that counts it: %s %i is %s', (smmu, id, name) => {
    expect(nameOfSpecifier(node(smmu), 'iommus', [id])).toBe(name);
  });

  it('agrees with the comments of the tree that these tests are made with', () => {
    const phandles = phandlesOf(tree);
    const names = (label: string, property: string) =>
      specifiersOf(node(label), property, phandles).map(nameOfReference);
    expect(names('nvdec', 'clocks')).toEqual(['NVDEC', 'FUSE', 'TSEC_PKA']);
    expect(names('sdmmc4', 'iommus')).toEqual(['SDMMC4']);
    expect(names('mgbe0', 'iommus')).toEqual(['MGBE']);
    expect(names('host1x', 'iommu-map').slice(0, 2)).toEqual(['HOST1X_CTX0', 'HOST1X_CTX1']);
  });

  it('stands behind the numbers of a printed tree', () => {
    expect(printTree(tree, { nameOf: nameOfReference })).toContain('<&bpmp 0x130 /* GPUSYS */>');
  });

  it('says nothing of what has no number, and nothing of another chip', () => {
    expect(nameOfSpecifier(node('bpmp'), 'nvidia,bpmp', [])).toBeUndefined();
    expect(nameOfSpecifier(node('gic'), 'clocks', [304])).toBeUndefined();
    expect(nameOfReference({ property: 'clocks', to: undefined, args: [304] })).toBeUndefined();
  });

  it('names a node without an address by those above it', () => {
    expect(shortNameOf(node('gpu'))).toBe('gpu@17000000');
    expect(shortNameOf(node('usb2_0'))).toBe('padctl@3520000/pads/usb2/lanes/usb2-0');
    expect(shortNameOf(findNode(tree, '/aliases')!)).toBe('aliases');
  });
});
