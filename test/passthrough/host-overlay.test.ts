import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { type PlatformDevice, parseVmFile } from '../../src/config/index.js';
import {
  cells,
  diffTrees,
  EMPTY,
  findLabel,
  findNode,
  interruptsOf,
  isEnabled,
  parseTree,
  phandlesOf,
  platformNameOf,
  readCells,
  readString,
  readStrings,
  regionsOf,
  reservedMemory,
  specifiersOf,
  strings,
  type Tree,
  u64s,
  walk,
  writeTree,
} from '../../src/devicetree/index.js';
import { GpuvmError } from '../../src/errors.js';
import {
  allowListOf,
  builtinProfiles,
  type DeviceProfile,
  makeHostOverlay,
  resolveDevices,
  selectDevices,
} from '../../src/passthrough/index.js';
import { parseProfiles } from '../../src/passthrough/profiles/read.js';
import { dtc, dtcLint, fdtoverlay, hasDtc } from '../devicetree/dtc.js';
import { hostTree } from '../devicetree/fixtures/tegra234.js';

const file = fileURLToPath(new URL('../../examples/orin-gpu-vm.yaml', import.meta.url));
const example = parseVmFile(readFileSync(file, 'utf8'), { file }).platformDevices;
const named = (...hosts: readonly string[]): PlatformDevice[] =>
  hosts.map((host) => ({ host, mmioBase: undefined, regions: undefined, interrupts: undefined }));
const carveOut = (host: string, size: bigint): PlatformDevice => ({
  host,
  mmioBase: BigInt(`0x${host.split('.')[0]}`),
  regions: [size],
  interrupts: 0,
});

/** The fixture's without what its firmware has in the reference VM's carve-out. */
function freeTree(): Tree {
  const tree = hostTree();
  findNode(tree, '/reserved-memory/generic-carveout@100000000')!.detach();
  tree.root.child('__symbols__')!.properties.delete('generic_reserved');
  return tree;
}

function make(
  devices: readonly PlatformDevice[] = example,
  tree = freeTree(),
  profiles: readonly DeviceProfile[] = builtinProfiles,
) {
  const wanted = devices.map(({ host, mmioBase }) => ({ name: host, isCarveOut: mmioBase !== undefined }));
  const allowList = allowListOf(tree, selectDevices(tree, wanted, profiles));
  return makeHostOverlay({ tree, from: 'host.dtb', vm: 'vm', devices, profiles, allowList });
}

const failures = (made: ReturnType<typeof make>) =>
  made.findings.flatMap(({ status, what }) => (status === 'fail' ? [what] : []));

describe.skipIf(!hasDtc)('the overlay for the reference VM', () => {
  let before: Tree;
  let made: ReturnType<typeof make>;
  let applied: Tree;
  beforeAll(() => {
    before = freeTree();
    made = make();
    ({ applied } = made);
  });
  const at = (path: string) => findNode(applied, path)!;
  const streamOf = (path: string) =>
    specifiersOf(at(path), 'iommus', phandlesOf(applied)).map(({ to, args }) => [to!.name, ...args]);

  it('has each device under the name that the VM file has for it, once', () => {
    for (const { host } of example) {
      const nodes = [...walk(applied.root)].filter(
        (node) => platformNameOf(node) === host && isEnabled(node) && node.get('compatible'),
      );
      expect(
        nodes.map((node) => readStrings(node.get('compatible'))),
        host,
      ).toEqual([['nvidia,dummy']]);
      expect(nodes[0]!.get('dma-coherent'), host).toEqual(EMPTY);
      expect(nodes[0]!.get('iommus'), host).toBeDefined();
    }
    expect(failures(made)).toEqual([]);
    expect(made.devices.map(({ how }) => how)).toEqual([
      ...Array.from({ length: 3 }, () => 'carve-out'),
      'in place',
      ...Array.from({ length: 4 }, () => 'anew'),
      'in place',
      'in place',
    ]);
  });

  it('keeps registers and interrupts as the host has them', () => {
    for (const host of ['17000000.gpu', '13e00000.host1x_pt', '15340000.vic', '15540000.nvjpg']) {
      const [device] = resolveDevices(named(host), { tree: before, from: '' }, builtinProfiles).devices;
      const node = [...walk(applied.root)].find((each) => platformNameOf(each) === host && isEnabled(each))!;
      expect(regionsOf(node)).toEqual(regionsOf(device!.shape!));
      const lines = (tree: Tree, of: typeof node) =>
        interruptsOf(of, phandlesOf(tree))?.map((line) => [line!.controller.path, ...line!.cells]);
      expect(lines(applied, node)).toEqual(lines(before, device!.shape!));
    }
  });

  it('gives each the stream that is its own, and the display the one of the reference host', () => {
    expect(streamOf('/bus@0/gpu@17000000')).toEqual([['iommu@12000000', 127]]);
    expect(streamOf('/bus@0/host1x_pt@13e00000')).toEqual([['iommu@8000000', 39]]);
    expect(streamOf('/bus@0/vic@15340000')).toEqual([['iommu@8000000', 52]]);
    expect(streamOf('/bus@0/nvjpg@15540000')).toEqual([['iommu@12000000', 37]]);
    expect(streamOf('/bus@0/dce@d800000')).toEqual([['iommu@12000000', 8]]);
    expect(streamOf('/bus@0/display@13800000')).toEqual([['iommu@12000000', 7]]);
    expect(streamOf('/vm_cma_p@80000000')).toEqual([['iommu@12000000', 127]]);
    expect(made.findings.map(({ what }) => what)).toContain(
      '13800000.display is put behind NVDISPLAY (7) of iommu@12000000, and what it does by ISO_NVDISPLAY (1) of iommu@10000000 is not translated for the VM',
    );
  });

  it('switches off what it has made anew, and what cannot stay', () => {
    for (const path of [
      '/bus@0/host1x@13e00000',
      '/bus@0/host1x@13e00000/vic@15340000',
      '/bus@0/host1x@13e00000/nvdec@15480000',
      '/bus@0/host1x@13e00000/nvjpg@15540000',
      '/bus@0/hda@3510000',
    ])
      expect(readString(at(path).get('status')), path).toBe('disabled');
    // The other of the two stays as it was, in a host1x that nobody has.
    expect(at('/bus@0/host1x@13e00000/nvjpg@15380000').get('status')).toBeUndefined();
    expect(made.findings.map(({ what }) => what)).toContain(
      '13e00000.host1x_pt takes nvjpg@15380000, nvenc@154c0000, crypto@15820000, crypto@15840000 from the host, which nobody makes devices of without it',
    );
  });

  it('empties what it cannot take away, and says why', () => {
    expect(at('/bus@0/display@13800000').get('memory-region')).toEqual(EMPTY);
    expect(readString(at('/bus@0/display@13800000/nvdisplay-niso').get('status'))).toBe('disabled');
    expect(made.source).toContain("memory-region; /* emptied: the frame buffer stays the host's */");
    expect(at('/bus@0/host1x_pt@13e00000').get('iommu-map')).toBeUndefined();
    expect(made.source).toContain(
      "Without iommu-map: contexts are host1x's own affair, and a dummy has none.",
    );
  });

  it('reserves the carve-outs, mapped for the host as KVM wants them', () => {
    const ours = reservedMemory(applied).filter(({ node }) => node.name.startsWith('vm_'));
    expect(ours.map(({ node, regions, isKept }) => [node.name, regions, isKept])).toEqual([
      ['vm_hs@60000000', [{ address: 0x6000_0000n, size: 64n << 20n }], true],
      ['vm_cma@80000000', [{ address: 0x8000_0000n, size: 768n << 20n }], true],
      ['vm_cma_vram@100000000', [{ address: 0x1_0000_0000n, size: 4n << 30n }], true],
    ]);
    for (const { node } of ours) expect(node.get('no-map')).toBeUndefined();
  });

  it('tells /dev/bpmp-host what the devices need', () => {
    const proxy = at('/bpmp_host_proxy');
    expect(readStrings(proxy.get('compatible'))).toEqual(['nvidia,bpmp-host-proxy']);
    expect(readCells(proxy.get('allowed-clocks'))).toEqual(
      expect.arrayContaining([304, 41, 236, 46, 1, 167, 83, 40, 154, 20]),
    );
    expect(readCells(proxy.get('allowed-resets'))).toEqual(expect.arrayContaining([19, 113, 44, 10]));
    expect(made.source).toMatch(/allowed-resets = <.*>; \/\* GPU, VIC, NVDEC, NVJPG1/);
  });

  it('comes to the same by fdtoverlay, and as source by dtc', () => {
    const theirs = fdtoverlay(writeTree(before), made.blob)!;
    expect(diffTrees(parseTree(theirs), applied)).toEqual([]);
    expect(dtc(made.source, 'dts', 'dtb', '-@')).toEqual(Buffer.from(made.blob));
    expect(dtcLint(theirs, 'dtb').filter((line) => !line.includes('Warning'))).toEqual([]);
  });

  it('changes nothing but what it is for', () => {
    const touched = new Set(
      diffTrees(before, applied).map((change) => ('path' in change ? change.path : change.kind)),
    );
    expect([...touched].sort()).toEqual([
      '/bpmp_host_proxy',
      '/bus@0/dce@d800000',
      '/bus@0/display@13800000',
      '/bus@0/display@13800000/nvdisplay-niso',
      '/bus@0/gpu@17000000',
      '/bus@0/hda@3510000',
      '/bus@0/host1x@13e00000',
      '/bus@0/host1x@13e00000/nvdec@15480000',
      '/bus@0/host1x@13e00000/nvjpg@15540000',
      '/bus@0/host1x@13e00000/vic@15340000',
      '/bus@0/host1x_pt@13e00000',
      '/bus@0/nvdec@15480000',
      '/bus@0/nvjpg@15540000',
      '/bus@0/vic@15340000',
      '/reserved-memory/vm_cma@80000000',
      '/reserved-memory/vm_cma_vram@100000000',
      '/reserved-memory/vm_hs@60000000',
      '/vm_cma_p@80000000',
      '/vm_cma_vram_p@100000000',
      '/vm_hs_p@60000000',
    ]);
  });
});

describe.skipIf(!hasDtc)('the overlay for other VMs and trees', () => {
  it('is by path and number for a tree without labels, and comes to the same', () => {
    const tree = freeTree();
    tree.root.child('__symbols__')!.detach();
    const made = make(example, tree);
    const blob = parseTree(made.blob);
    expect(findNode(blob, '/__fixups__')).toBeUndefined();
    for (const fragment of blob.root.children) expect(fragment.get('target'), fragment.name).toBeUndefined();
    const labelled = make().applied;
    labelled.root.child('__symbols__')!.detach();
    expect(diffTrees(labelled, made.applied)).toEqual([]);
    expect(diffTrees(parseTree(fdtoverlay(writeTree(tree), made.blob)!), made.applied)).toEqual([]);
  });

  it("takes streams and what to drop from profiles of one's own", () => {
    const own = parseProfiles(
      `profiles:
  - name: uart
    about: a serial port behind an SMMU
    match: { compatible: ["nvidia,tegra194-hsuart"], nodes: [serial] }
    guest: { compatible: ["nvidia,tegra194-hsuart"] }
    host:
      stream: { iommu: smmu_niso1, id: PASSTHROUGH, reason: it does no DMA of its own }
      drop: { "dma*": the DMA controller stays }
      disable: { "i2c@3160000": its pins are the same }
`,
      'own.yaml',
    );
    const { applied, source } = make(named('3100000.serial'), freeTree(), own);
    const uart = findNode(applied, '/bus@0/serial@3100000')!;
    expect(specifiersOf(uart, 'iommus', phandlesOf(applied)).map(({ to, args }) => [to?.name, args])).toEqual(
      [['iommu@8000000', [127]]],
    );
    expect([uart.get('dmas'), uart.get('dma-names'), uart.get('dma-coherent')]).toEqual([
      EMPTY,
      EMPTY,
      EMPTY,
    ]);
    expect(isEnabled(findNode(applied, '/bus@0/i2c@3160000')!)).toBe(false);
    expect(source).toContain('Its stream: it does no DMA of its own.');
    expect(source).toContain('Goes with 3100000.serial: its pins are the same.');
  });

  it('takes an engine out of a host1x that stays', () => {
    const { applied, source } = make(named('15340000.vic'));
    expect(isEnabled(findNode(applied, '/bus@0/host1x@13e00000')!)).toBe(true);
    expect(isEnabled(findNode(applied, '/bus@0/host1x@13e00000/vic@15340000')!)).toBe(false);
    expect(readStrings(findNode(applied, '/bus@0/vic@15340000')!.get('compatible'))).toEqual([
      'nvidia,dummy',
    ]);
    expect(source).toContain('which stays, and would make');
  });

  it('takes whatever lies in a device that goes out of it, with or without a profile', () => {
    const { applied } = make(named('13e00000.host1x_pt', '154c0000.nvenc'));
    expect(readStrings(findNode(applied, '/bus@0/nvenc@154c0000')!.get('compatible'))).toEqual([
      'nvidia,dummy',
    ]);
  });

  it('says its controller where the bus has another', () => {
    const tree = freeTree();
    const pmc = findLabel(tree, 'pmc')!;
    findNode(tree, '/bus@0')!.set('interrupt-parent', pmc.get('phandle')!);
    findNode(tree, '/bus@0/host1x@13e00000')!.set(
      'interrupt-parent',
      findLabel(tree, 'gic')!.get('phandle')!,
    );
    const { applied } = make(named('13e00000.host1x_pt'), tree);
    const node = findNode(applied, '/bus@0/host1x_pt@13e00000')!;
    expect(interruptsOf(node, phandlesOf(applied))?.[8]).toMatchObject({ cells: [0, 263, 4] });
    expect(interruptsOf(node, phandlesOf(applied))?.[8]?.controller.name).toBe(
      'interrupt-controller@f400000',
    );
  });

  it('makes by its profile what the tree lacks, and warns', () => {
    const tree = freeTree();
    findNode(tree, '/bus@0/gpu@17000000')!.detach();
    findNode(tree, '/bus@0/dce@d800000')!.detach();
    for (const label of ['gpu', 'dce']) tree.root.child('__symbols__')!.properties.delete(label);
    const made = make(named('17000000.gpu', 'd800000.dce'), tree);
    const gpu = findNode(made.applied, '/bus@0/gpu@17000000')!;
    const phandles = phandlesOf(made.applied);
    expect(regionsOf(gpu).map(({ address }) => address)).toEqual([0x1700_0000n, 0x1800_0000n, 0x3b4_1000n]);
    expect(interruptsOf(gpu, phandles)?.map((line) => line?.cells)).toEqual([
      [0, 68, 4],
      [0, 70, 4],
      [0, 71, 4],
      [0, 67, 4],
    ]);
    expect(specifiersOf(gpu, 'clocks', phandles).map(({ to, args }) => [to?.path, ...args])).toEqual([
      ['/bpmp', 304],
      ['/bpmp', 41],
      ['/bpmp', 236],
    ]);
    expect(made.findings.map(({ status, device }) => [status, device])).toEqual([
      ['warn', '17000000.gpu'],
      ['warn', 'd800000.dce'],
    ]);
  });

  it("keeps the firmware from handing the display's frame buffer to the host", () => {
    const tree = freeTree();
    const chosen = tree.root.child('chosen')!;
    chosen
      .add('framebuffer')
      .set('compatible', strings('simple-framebuffer'))
      .set('status', strings('disabled'));
    const { applied } = make(example, tree);
    const framebuffer = findNode(applied, '/chosen/framebuffer')!;
    expect(readString(framebuffer.get('compatible'))).toBe('nvidia,dummy');
  });

  it('makes /reserved-memory where there is none, with the cells of the root', () => {
    const tree = freeTree();
    findNode(tree, '/reserved-memory')!.detach();
    for (const label of ['vpr', 'fb0_reserved', 'ramoops_reserved'])
      tree.root.child('__symbols__')!.properties.delete(label);
    const { applied } = make([carveOut('80000000.vm_cma_p', 768n << 20n)], tree);
    const node = findNode(applied, '/reserved-memory')!;
    expect([readCells(node.get('#address-cells')), readCells(node.get('#size-cells'))]).toEqual([[2], [2]]);
    expect(node.get('ranges')).toEqual(EMPTY);
    expect(reservedMemory(applied)[0]!.regions).toEqual([{ address: 0x8000_0000n, size: 768n << 20n }]);
  });

  it('lets through what another VM has been let use already, too', () => {
    const { applied } = make(named('3460000.mmc'));
    const second = make(named('15340000.vic'), applied).applied;
    const proxy = findNode(second, '/bpmp_host_proxy')!;
    expect(readCells(proxy.get('allowed-clocks'))).toEqual([167, 123, 219, 237]);
    expect(readCells(proxy.get('allowed-resets'))).toEqual([113, 85]);
    expect(platformNameOf(proxy)).toBe('bpmp_host_proxy');
  });

  it('leaves a carve-out that is reserved already as it is', () => {
    const tree = freeTree();
    findNode(tree, '/reserved-memory')!
      .add('vm_cma@80000000')
      .set('compatible', strings('removed-dma-pool'))
      .set('reg', u64s(0x8000_0000n, 768n << 20n));
    const made = make([carveOut('80000000.vm_cma_p', 768n << 20n)], tree);
    expect(failures(made)).toEqual([]);
    expect([...findNode(made.applied, '/reserved-memory')!.children].length).toBe(
      [...findNode(tree, '/reserved-memory')!.children].length,
    );
  });
});

describe.skipIf(!hasDtc)('what would not work', () => {
  const failuresFor = (devices: readonly PlatformDevice[], tree = freeTree()) =>
    failures(make(devices, tree));

  it.each<[what: string, devices: PlatformDevice[], says: string, tree?: () => Tree]>([
    [
      'memory that is reserved for somebody else',
      [carveOut('100000000.vm_cma_vram_p', 4n << 30n)],
      '100000000.vm_cma_vram_p, 0x100000000 to 0x1ffffffff, is partly reserved for somebody else: /reserved-memory/generic-carveout@100000000 has 0x100000000 to 0x10fffffff',
      hostTree,
    ],
    [
      'memory that the firmware keeps by /memreserve/',
      [carveOut('f9000000.vm_p', 0x300_0000n), carveOut('fff000000.other_p', 0x1_0000n)],
      'fff000000.other_p, 0xfff000000 to 0xfff00ffff, is partly reserved for somebody else: /memreserve/ has 0xfff000000 to 0xfff00ffff',
    ],
    [
      'a carve-out over the end of RAM',
      [carveOut('e0000000.vm_p', 0x2000_0000n)],
      "e0000000.vm_p, 0xe0000000 to 0xffffffff, is not all RAM: the host's ends or has a gap at 0xfc000000",
    ],
    [
      'a carve-out where there is no RAM',
      [carveOut('40000000000.vm_p', 0x1000n)],
      "40000000000.vm_p, 0x40000000000 to 0x40000000fff, is nowhere in the host's RAM",
    ],
    [
      'carve-outs over each other',
      [carveOut('80000000.a_p', 0x200_0000n), carveOut('81000000.b_p', 0x100_0000n)],
      '81000000.b_p, 0x81000000 to 0x81ffffff, is partly 80000000.a_p too',
    ],
    [
      "a stream that the host's device has too",
      named('2600000.dma-controller'),
      "2600000.dma-controller: spi@3210000 is not the VM's and has the same stream GPCDMA (4) of iommu@12000000, so they are one IOMMU group",
    ],
  ])('%s', (_, devices, says, tree) => {
    expect(failuresFor(devices, tree?.())).toContain(says);
  });

  it("another VM's carve-out, which has the same stream", () => {
    const { applied } = make([carveOut('80000000.vm_cma_p', 768n << 20n)]);
    expect(failuresFor(named('17000000.gpu'), applied)).toEqual([
      "17000000.gpu: vm_cma_p@80000000 is not the VM's and has the same stream PASSTHROUGH (127) of iommu@12000000, so they are one IOMMU group",
    ]);
  });

  it('has no word against the same stream where both go', () => {
    expect(failuresFor(named('2600000.dma-controller', '3210000.spi'))).toEqual([]);
  });

  it("a pool that finds no place beside a carve-out, as the tree's alloc-ranges have it", () => {
    const tree = freeTree();
    findNode(tree, '/reserved-memory/linux,cma')!.set('alloc-ranges', u64s(0x8000_0000n, 0x1000_0000n));
    expect(failuresFor([carveOut('80000000.vm_cma_p', 768n << 20n)], tree)).toEqual([
      '/reserved-memory/linux,cma must lie in memory (alloc-ranges) that 80000000.vm_cma_p takes whole',
    ]);
  });

  it('does not know what RAM a tree has that the firmware fills in', () => {
    const tree = freeTree();
    findNode(tree, '/memory@80000000')!.detach();
    const made = make([carveOut('80000000.vm_cma_p', 768n << 20n)], tree);
    expect(made.findings).toMatchObject([
      { status: 'warn', id: 'host-overlay.memory', fix: expect.stringContaining('/proc/iomem') },
    ]);
  });

  const refusal = (run: () => unknown): GpuvmError => {
    try {
      run();
    } catch (error) {
      if (GpuvmError.is(error)) return error;
      throw error;
    }
    throw new Error('no error');
  };

  it.each<[what: string, run: () => unknown, says: RegExp]>([
    [
      'a device without a stream',
      () => make(named('3100000.serial')),
      /^3100000\.serial: by which stream it does DMA is not known, .*\/bus@0\/serial@3100000 has no iommus; give a profile with host\.stream/,
    ],
    [
      'a device of which the size is not known',
      () => make([{ host: 'c0000000.vm_p', mmioBase: 0xc000_0000n, regions: undefined, interrupts: 0 }]),
      /^c0000000\.vm_p: what regions it has is not known: .*give regions and interrupts with the device in the VM file/,
    ],
    [
      'a tree with such an overlay in it',
      () => make(example, make().applied),
      /^host\.dtb has an overlay for VFIO in it already: \/vm_hs_p@60000000 is for a dummy driver/,
    ],
    [
      'a tree without the SMMU',
      () => {
        const tree = freeTree();
        findLabel(tree, 'smmu_niso0')!.detach();
        return make(named('17000000.gpu'), tree);
      },
      /^17000000\.gpu: the host's tree has no smmu_niso0/,
    ],
    [
      'addresses that the root has no cells for',
      () => {
        const tree = freeTree();
        tree.root.set('#address-cells', cells(1)).set('#size-cells', cells(1));
        return make([carveOut('100000000.vm_cma_vram_p', 4n << 30n)], tree);
      },
      /^100000000\.vm_cma_vram_p: its region at 0x100000000 cannot be written below/,
    ],
  ])('%s', (_, run, says) => {
    expect(refusal(run).message).toMatch(says);
  });
});
