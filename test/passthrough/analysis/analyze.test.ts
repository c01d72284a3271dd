import { describe, expect, it } from 'vitest';
import { cells, findLabel, findNode, removeNode, strings, type Tree } from '../../../src/devicetree/index.js';
import { type Analysis, analyze, builtinProfiles, shortNameOf } from '../../../src/passthrough/index.js';
import { hostTree } from '../../devicetree/fixtures/tegra234.js';
import { FIVE, select } from '../devices.js';

const analyzed = (names: readonly string[], tree: Tree = hostTree()) =>
  analyze(tree, select(tree, ...names), builtinProfiles);

/** `name relation consequence`, sorted. */
const related = ({ related }: Analysis) =>
  related.map(({ node, relation, consequence }) => `${shortNameOf(node)} ${relation} ${consequence}`).sort();

const shared = ({ resources }: Analysis) =>
  resources
    .filter(({ isShared }) => isShared)
    .map(({ name, users }) => [name, users.filter((user) => user.isEnabled).map((user) => user.name)]);

describe('analyzing host1x', () => {
  const analysis = analyzed(['host1x']);

  it('finds all that is in it, and the PCIe endpoints that refer to it', () => {
    expect(related(analysis)).toEqual(
      [
        'vic@15340000 child gone',
        'nvjpg@15380000 child gone',
        'nvdec@15480000 child gone',
        'nvenc@154c0000 child gone',
        'tsec@15500000 child none',
        'nvjpg@15540000 child gone',
        'crypto@15820000 child gone',
        'crypto@15840000 child gone',
        'pcie-ep@14160000 refers none',
        'pcie-ep@141a0000 refers breaks',
        'pcie-ep@141e0000 refers breaks',
      ].sort(),
    );
    expect(analysis.related.find(({ node }) => node.name === 'pcie-ep@141a0000')).toMatchObject({
      property: 'nvidia,host1x',
      why: 'refers to host1x@13e00000 by nvidia,host1x',
    });
  });

  it('finds its own lines, streams, clients of the memory controller, and nothing that is shared', () => {
    const [host1x] = analysis.devices;
    expect(host1x?.lines.map(({ text, as }) => `${text} ${as}`)).toContain('SPI 448 syncpt0');
    expect(host1x?.streams).toHaveLength(9);
    expect(host1x?.interconnects).toMatchObject([{ args: [0x16] }]);
    expect(shared(analysis)).toEqual([]);
  });
});

describe('analyzing the five devices of the reference VM', () => {
  const analysis = analyzed(FIVE);

  it('does not tell of them as of each other', () => {
    expect(related(analysis)).not.toContainEqual(expect.stringMatching(/^(vic|nvdec|nvjpg@15540000) /));
    expect(analysis.devices.every(({ isAsked }) => isAsked)).toBe(true);
  });

  it('finds the one clock that the host has in common with them', () => {
    expect(shared(analysis)).toEqual([['FUSE', ['fuse@3810000', 'display@13800000']]]);
  });

  it('gives the GPU the stream that its profile has for it', () => {
    const gpu = analysis.devices.find(({ device }) => device.name === 'gpu@17000000');
    expect(gpu?.streams).toMatchObject([
      { first: 127, property: 'profile', iommu: { name: 'iommu@12000000' } },
    ]);
  });
});

describe('what must go along', () => {
  it("is an engine's host1x, and with it what is in that", () => {
    const analysis = analyzed(['vic']);
    expect(related(analysis)).toContain('host1x@13e00000 parent move');
    expect(related(analysis)).toContain('nvenc@154c0000 child gone');
    expect(related(analysis)).not.toContainEqual(expect.stringMatching(/^vic/));
    expect(analysis.devices.map(({ device, isAsked }) => [device.name, isAsked])).toEqual([
      ['vic@15340000', true],
      ['host1x@13e00000', false],
    ]);
  });

  it('is who has the same stream', () => {
    const analysis = analyzed(['spi@3210000']);
    expect(related(analysis)).toContain('dma-controller@2600000 stream move');
    expect(analysis.related.find(({ relation }) => relation === 'stream')?.why).toBe(
      'has the same IOMMU stream as spi@3210000 (GPCDMA), and so is in its group',
    );
    // And then others lose their DMA controller.
    expect(related(analysis)).toContain('i2c@3160000 refers breaks');
  });

  it('is who has the same registers and interrupt, were it switched on', () => {
    expect(related(analyzed(['pcie_c4']))).toEqual(
      expect.arrayContaining([
        'pcie-ep@14160000 registers none',
        'pcie-ep@14160000 interrupt none',
        'pcie-ep@14160000 stream none',
      ]),
    );
    const tree = hostTree();
    findLabel(tree, 'pcie_c4_ep')!.set('status', strings('okay'));
    expect(related(analyzed(['pcie_c4'], tree))).toContain('pcie-ep@14160000 registers move');
  });

  it('is what the profile says, and then what it has is no longer shared', () => {
    const analysis = analyzed(['display']);
    expect(related(analysis)).toContain('hda@3510000 profile move');
    expect(shared(analysis).map(([name]) => name)).toEqual(['FUSE', 'OSC', 'CLK_M', 'PLLP_OUT0']);
  });

  it('is found for a device that is not in the tree, by its profile', () => {
    const tree = hostTree();
    removeNode(tree, findLabel(tree, 'gpu')!);
    tree.root.child('__symbols__')?.properties.delete('gpu');
    const serial = findLabel(tree, 'uarta')!;
    serial.set('interrupts', cells(0, 70, 4));
    expect(related(analyzed(['gpu'], tree))).toEqual(['serial@3100000 interrupt move']);
  });
});

describe('what breaks on the host', () => {
  it('is what refers to a device or to what is in it', () => {
    expect(related(analyzed(['xusb_padctl']))).toEqual([
      'usb@3610000 refers breaks',
      'usb@3610000 refers breaks',
    ]);
  });

  it('is the console', () => {
    const tree = hostTree();
    tree.root.child('chosen')!.set('stdout-path', strings('serial1:115200n8'));
    expect(related(analyzed(['uarta'], tree))).toContain('chosen console breaks');
  });

  it('is nothing where both go', () => {
    expect(related(analyzed(['xusb_padctl', 'usb@3610000']))).toEqual([]);
  });
});

describe('what a device refers to', () => {
  it('is told with what becomes of it in the guest', () => {
    const [display] = analyzed(['display']).devices;
    expect(display?.memory).toMatchObject([{ node: { name: 'framebuffer@f0000000' }, usedBy: [] }]);
    expect(display?.needs).toMatchObject([{ property: 'nvidia,dce', dropped: undefined }]);
    const [ethernet] = analyzed(['mgbe0']).devices;
    expect(ethernet?.needs.map(({ property }) => property)).toEqual([]);
    const [serial] = analyzed(['uarta']).devices;
    expect(serial?.needs[0]).toMatchObject({ property: 'dmas', dropped: "the DMA controller is the host's" });
  });
});

it('ends on a tree that is tied in a circle', () => {
  const tree = hostTree();
  const bus = findNode(tree, '/bus@0')!;
  const [a, b] = ['a@10', 'b@20'].map((name) => bus.add(name).set('compatible', strings('x')));
  a!.set('phandle', cells(0x7001)).set('nvidia,host1x', cells(0x7002));
  b!.set('phandle', cells(0x7002)).set('nvidia,host1x', cells(0x7001));
  expect(related(analyzed(['a@10'], tree))).toEqual(['b@20 refers breaks']);
});
