import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseVmFile, type VmConfig } from '../../src/config/index.js';
import {
  danglingReferences,
  findNode,
  interruptsOf,
  memoryRanges,
  phandleOf,
  phandlesOf,
  printTree,
  readCell,
  readCells,
  readString,
  readStrings,
  regionsOf,
  reservedMemory,
  setLabel,
  specifiersOf,
  strings,
  type Tree,
  walk,
  writeTree,
} from '../../src/devicetree/index.js';
import {
  addDevices,
  builtinProfiles,
  type DeviceProfile,
  type GuestTreeReport,
  placeDevices,
  type ReservedRegion,
  resolveDevices,
} from '../../src/passthrough/index.js';
import { orinVirt } from '../../src/qemu/platform-bus/index.js';
import { dtcLint, hasDtc } from '../devicetree/dtc.js';
import { hostTree } from '../devicetree/fixtures/tegra234.js';
import { virtTree } from './virt.js';

const file = fileURLToPath(new URL('../../examples/orin-gpu-vm.yaml', import.meta.url));
const example = parseVmFile(readFileSync(file, 'utf8'), { file });
const bus = { ...orinVirt, ramSize: 4n << 30n, pageSize: 0x1000n };

interface Made {
  readonly tree: Tree;
  readonly report: GuestTreeReport;
  readonly findings: readonly string[];
}

interface Wanted {
  readonly host?: Tree | undefined;
  readonly devices?: VmConfig['platformDevices'];
  readonly append?: string | undefined;
  readonly profiles?: readonly DeviceProfile[];
  readonly reserved?: readonly ReservedRegion[];
  readonly tree?: Tree;
  readonly isPatched?: boolean;
}

function make(wanted: Wanted = {}): Made {
  const { devices = example.platformDevices, profiles = builtinProfiles, tree = virtTree() } = wanted;
  const host = wanted.host && { tree: wanted.host, from: 'host.dtb' };
  const resolved = resolveDevices(devices, host, profiles);
  const report = addDevices({
    tree,
    devices: placeDevices(resolved.devices, bus),
    bus,
    host,
    append: 'append' in wanted ? wanted.append : example.append,
    ...(wanted.reserved && { reserved: wanted.reserved }),
    ...(wanted.isPatched !== undefined && { isPatched: wanted.isPatched }),
  });
  return { tree, report, findings: [...resolved.findings, ...report.findings].map(({ what }) => what) };
}

const device = (host: string, more: object = {}) =>
  ({ host, ...more }) as VmConfig['platformDevices'][number];
const pathOf = ({ report }: Made, host: string) => report.devices.find((each) => each.host === host)!.path;
const nodeOf = (made: Made, host: string) => findNode(made.tree, pathOf(made, host))!;
const addresses = (made: Made, host: string) => regionsOf(nodeOf(made, host)).map(({ address }) => address);
const spis = (made: Made, host: string) =>
  interruptsOf(nodeOf(made, host), phandlesOf(made.tree))!.map((line) => line!.cells[1]);
const span = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe("the guest's tree of the reference VM", () => {
  it('has what its authors read off a running QEMU and wrote by hand', () => {
    // NVIDIA's tree is not published as one, so these are the registers and interrupts of the profiles.
    const made = make();
    expect(addresses(made, '17000000.gpu')).toEqual([0x6400_0000n, 0x6500_0000n, 0x6600_0000n]);
    const host1x = [0x6601_0000n, 0x6602_0000n, 0x6603_0000n, 0x6608_0000n];
    expect(addresses(made, '13e00000.host1x_pt')).toEqual(host1x);
    expect(addresses(made, '15340000.vic')).toEqual([0x6604_0000n]);
    expect(addresses(made, '15480000.nvdec')).toEqual([0x6610_0000n]);
    expect(addresses(made, '15540000.nvjpg')).toEqual([0x6614_0000n]);
    expect(addresses(made, 'd800000.dce')).toEqual([0x6680_0000n]);
    const display = [0x6620_0000n, 0x660e_0000n, 0x6600_1000n, 0x660f_0000n];
    expect(addresses(made, '13800000.display')).toEqual(display);
    expect(spis(made, '17000000.gpu')).toEqual(span(112, 115));
    expect(spis(made, '13e00000.host1x_pt')).toEqual(span(116, 124));
    expect(spis(made, '15340000.vic')).toEqual([125]);
    expect(spis(made, 'd800000.dce')).toEqual([126, 127]);
    expect(spis(made, '13800000.display')).toEqual([128, 129, 130]);
    expect(made.findings).toContainEqual(expect.stringContaining('those of the profile gpu'));
    expect(made.findings).toContainEqual(expect.stringMatching(/display: .* lacks .* clocks/));
    const nvjpg = nodeOf(made, '15540000.nvjpg');
    expect(readCell(nvjpg.get('nvidia,host1x-class'))).toBe(7);
    expect(clocksOf(made, '15540000.nvjpg')).toEqual([20]);
    expect(clocksOf(made, '17000000.gpu')).toEqual([304, 41, 236]);
  });

  it("has the fuses' node beside the display for a patched kernel, and not for the mainline's", () => {
    const has = (made: Made) => [...walk(made.tree.root)].some(({ name }) => name === 'fuse@3810000');
    expect(has(make())).toBe(true);
    expect(has(make({ isPatched: false }))).toBe(false);
  });

  it("has a range for each region and the SPI for each line, from the host's tree", () => {
    const host = hostTree();
    const made = make({ host });
    expect(made.findings).toEqual([]);
    const resolved = resolveDevices(example.platformDevices, { tree: host, from: '' }, builtinProfiles);
    const placed = placeDevices(resolved.devices, bus);
    const ranges = readCells(findNode(made.tree, '/platform-bus')!.get('ranges'))!;
    expect(ranges).toHaveLength(6 * placed.flatMap(({ regions }) => regions).length);
    for (const { host: name, isCarveOut, placed: there } of placed) {
      if (isCarveOut) continue;
      expect(regionsOf(nodeOf(made, name)), name).toEqual(there.regions);
      expect(spis(made, name), name).toEqual(there.spis);
    }
    // The registers are where the host has them, as far as the nodes tell.
    expect(pathOf(made, '15340000.vic')).toBe('/platform-bus@60000000/host1x@13e00000/vic@15340000');
    expect(readCells(nodeOf(made, '15340000.vic').get('reg'))).toEqual([0, 0x1534_0000, 0, 0x4_0000]);
  });

  it("asks the guest's own BPMP, and nobody who is not there", () => {
    const made = make({ host: hostTree() });
    expect(danglingReferences(made.tree)).toEqual([]);
    expect(clocksOf(made, '15480000.nvdec')).toEqual([83, 40, 154]);
    const bpmp = phandleOf(findNode(made.tree, '/bpmp')!);
    const gpu = nodeOf(made, '17000000.gpu');
    expect(readCells(gpu.get('nvidia,bpmp'))).toEqual([bpmp]);
    expect(readCells(gpu.get('power-domains'))).toEqual([bpmp, 35]);
    const text = printTree(made.tree);
    for (const gone of ['iommu', 'interconnect', 'memory-controller', '-supply', 'pinctrl'])
      expect(text, gone).not.toContain(gone);
    const display = nodeOf(made, '13800000.display');
    expect(readCells(display.get('nvidia,dce'))).toEqual([phandleOf(nodeOf(made, 'd800000.dce'))]);
    expect(display.hasChildren).toBe(false);
    // Every property that did not come along has a reason.
    for (const { reason } of made.report.changes) expect(reason).toMatch(/\w{3}/);
    expect(made.report.changes).toContainEqual(
      expect.objectContaining({ path: display.path, property: 'memory-region', what: 'dropped' }),
    );
  });

  it('has the carve-outs as memory, divided as in the reference VM', () => {
    const { tree } = make({ host: hostTree() });
    expect(memoryRanges(tree)).toEqual([
      { address: 0x20_0000_0000n, size: 1n << 30n },
      { address: 0x8000_0000n, size: 0x3000_0000n },
      { address: 0x1_0000_0000n, size: 0x1_0000_0000n },
    ]);
    // QEMU takes every other node of that name out.
    expect([...tree.root.children].filter(({ name }) => name.startsWith('memory'))).toHaveLength(1);
    const found = reservedMemory(tree).map(({ node, regions: [region], isKept }) => [
      node.name,
      region!.size >> 20n,
      isKept,
    ]);
    expect(found).toEqual([
      ['nvgpu_dma_carveout@80000000', 128n, true],
      ['linux,cma@88000000', 64n, false],
      ['vpr-carveout@8c000000', 16n, true],
      ['fsi-carveout@8d000000', 16n, true],
      ['vidmem-carveout@90000000', 128n, true],
      ['gpu-carveout@98000000', 128n, true],
      ['generic_carveout@100000000', 4096n, true],
    ]);
    const carveouts = findNode(tree, '/tegra-carveouts')!;
    const names = specifiersOf(carveouts, 'memory-region', phandlesOf(tree)).map(({ to }) => to!.name);
    expect(names.map((name) => name.split(/[-_]/)[0])).toEqual(['generic', 'vpr', 'fsi', 'vidmem', 'gpu']);
  });

  it('is that of the chip', () => {
    const { tree } = make({ host: hostTree() });
    expect(readStrings(tree.root.get('compatible'))).toEqual(['nvidia,tegra234', 'linux,dummy-virt']);
    expect(tree.root.get('dma-coherent')).toBeUndefined();
    expect(readString(findNode(tree, '/aliases')?.get('host1x'))).toBe(
      '/platform-bus@60000000/host1x@13e00000',
    );
    expect(readString(findNode(tree, '/chosen')?.get('bootargs'))).toBe(example.append);
  });

  it.skipIf(!hasDtc)('is content to dtc', () => {
    expect(dtcLint(writeTree(make({ host: hostTree() }).tree), 'dtb')).toEqual([]);
    expect(dtcLint(writeTree(make().tree), 'dtb')).toEqual([]);
  });

  it('is the same each time, and for another number of CPUs differs in them alone', () => {
    const [one, two, again] = [1, 2, 2].map(
      (cpus) => make({ host: hostTree(), tree: virtTree({ cpus }) }).tree,
    );
    expect(writeTree(again!)).toEqual(writeTree(two!));
    const without = (tree: Tree) => {
      for (const node of [...findNode(tree, '/cpus')!.children]) node.detach();
      return writeTree(tree);
    };
    expect(without(one!)).toEqual(without(two!));
  });
});

describe('other devices', () => {
  it('keep what lies in them, and who is in them only', () => {
    const made = make({ host: hostTree(), devices: [device('6800000.ethernet'), device('3100000.serial')] });
    const ethernet = nodeOf(made, '6800000.ethernet');
    const phy = ethernet.child('mdio')!.child('phy@0')!;
    expect(readCells(ethernet.get('phy-handle'))).toEqual([phandleOf(phy)]);
    expect(readCells(ethernet.get('snps,axi-config'))).toEqual([
      phandleOf(ethernet.child('stmmac-axi-config')!),
    ]);
    // Its interrupt is a GPIO of the host's: Linux polls it.
    expect([phy.get('interrupts'), phy.get('interrupt-parent')]).toEqual([undefined, undefined]);
    expect(clocksOf(made, '6800000.ethernet')).toHaveLength(12);
    const serial = nodeOf(made, '3100000.serial');
    expect([serial.get('dmas'), serial.get('dma-names')]).toEqual([undefined, undefined]);
    expect(danglingReferences(made.tree)).toEqual([]);
    expect(readString(findNode(made.tree, '/aliases')?.get('serial1'))).toBe(serial.path);
  });

  it('lie on the platform bus where the VM has not what is around them', () => {
    const made = make({ host: hostTree(), devices: [device('15340000.vic')] });
    expect(pathOf(made, '15340000.vic')).toBe('/platform-bus@60000000/vic@15340000');
    expect(addresses(made, '15340000.vic')).toEqual([0x6000_0000n]);
  });

  it('are described by their own node beside the stand-in that VFIO has', () => {
    const host = hostTree();
    const bus0 = findNode(host, '/bus@0')!;
    const original = findNode(host, '/bus@0/host1x')!;
    original.set('status', strings('disabled'));
    const standIn = bus0.add('host1x_pt@13e00000');
    standIn
      .set('compatible', strings('nvidia,dummy'))
      .set(
        'reg',
        Buffer.concat([original.get('reg')!, Buffer.from('0000000013ef00000000000000060000', 'hex')]),
      )
      .set('interrupts', original.get('interrupts')!);
    const made = make({ host, devices: [device('13e00000.host1x_pt')] });
    const node = nodeOf(made, '13e00000.host1x_pt');
    expect(readStrings(node.get('compatible'))).toEqual(['nvidia,tegra234-host1x']);
    expect(regionsOf(node)).toHaveLength(4);
    expect(clocksOf(made, '13e00000.host1x_pt')).toEqual([46, 1]);
    expect(readString(node.get('status'))).toBe('okay');
  });

  it('are what their profile says where the host has nothing but a stand-in', () => {
    const host = hostTree();
    const gpu = findNode(host, '/bus@0/gpu')!;
    for (const name of [...gpu.properties.keys()])
      if (!/^(reg|interrupts)$/.test(name)) gpu.properties.delete(name);
    gpu.set('compatible', strings('nvidia,dummy'));
    const made = make({ host, devices: [device('17000000.gpu')] });
    expect(readStrings(nodeOf(made, '17000000.gpu').get('compatible'))).toEqual(['nvidia,ga10b']);
    expect(clocksOf(made, '17000000.gpu')).toEqual([304, 41, 236]);
  });

  it("without a profile have what the host's tree has, without what is the host's", () => {
    const made = make({ host: hostTree(), devices: [device('3210000.spi')] });
    const node = nodeOf(made, '3210000.spi');
    expect(readStrings(node.get('compatible'))).toContain('nvidia,tegra210-spi');
    expect(clocksOf(made, '3210000.spi')).toEqual([135]);
    expect(node.get('dmas')).toBeUndefined();
    expect(node.get('#address-cells')).toBeUndefined();
  });

  it('lose an entry of a list, and its name, where its provider is not there', () => {
    const host = hostTree();
    const osc = host.root.add('osc');
    osc.set('#clock-cells', Buffer.alloc(4)).set('phandle', Buffer.from('00000fff', 'hex'));
    setLabel(host, 'osc', osc);
    const vic = findNode(host, '/bus@0/host1x/vic')!;
    vic.set('clocks', Buffer.concat([Buffer.from('00000fff', 'hex'), vic.get('clocks')!]));
    vic.set('clock-names', strings('osc', 'vic'));
    const made = make({ host, devices: [device('15340000.vic')] });
    expect(clocksOf(made, '15340000.vic')).toEqual([167]);
    expect(readStrings(nodeOf(made, '15340000.vic').get('clock-names'))).toEqual(['vic']);
    expect(made.report.changes).toContainEqual(
      expect.objectContaining({
        property: 'clocks',
        what: 'shortened',
        reason: expect.stringContaining('/osc'),
      }),
    );
  });
});

describe('what is missing', () => {
  const refused = (wanted: Wanted) => {
    try {
      make(wanted);
    } catch (error) {
      return error as Error & { details: { mistakes?: string[] } };
    }
    throw new Error('nothing was refused');
  };

  it('is said of every device, with what to do', () => {
    const devices = [device('12340000.thing'), device('56780000.other'), device('17000000.gpu')];
    const { message, details } = refused({ devices });
    expect(message).toMatch(
      /^12340000\.thing: what regions it has is not known: give the host's tree .*and 1 more/,
    );
    expect(details.mistakes).toHaveLength(2);
    expect(refused({ devices, host: hostTree() }).message).toContain('host.dtb has no such node');
    expect(refused({ devices: [device('13e00000.x')], host: hostTree() }).message).toContain(
      'has 13e00000.host1x there',
    );
  });

  it('is what a device is, where nobody says', () => {
    const thing = device('12340000.thing', { regions: [0x1000n], interrupts: 1 });
    expect(refused({ devices: [thing], host: hostTree() }).message).toContain('what it is nobody says');
    const two = device('12340000.thing', { regions: [0x1000n, 0x1000n], interrupts: 1 });
    expect(refused({ devices: [two] }).message).toContain('where the host has region 2 is not known');
  });

  it('is the BPMP of a guest without a bridge', () => {
    const tree = virtTree();
    findNode(tree, '/bpmp')!.detach();
    expect(refused({ tree, host: hostTree() }).message).toContain('give the VM a bridge');
  });

  it('is a parameter of the kernel, or is put in', () => {
    const { findings } = make({ host: hostTree(), append: 'quiet pd_ignore_unused' });
    expect(findings).toEqual([expect.stringMatching(/^append lacks clk_ignore_unused:/)]);
    const { tree } = make({ host: hostTree(), append: undefined });
    expect(readString(findNode(tree, '/chosen')?.get('bootargs'))).toBe('clk_ignore_unused pd_ignore_unused');
  });

  it('is a layout for another QEMU', () => {
    const { findings } = make({
      host: hostTree(),
      tree: virtTree({ busBase: 0x0c00_0000n, ramBase: 0x4000_0000n }),
    });
    expect(findings).toEqual([
      expect.stringMatching(/platform bus is at 0xc000000, .* for 0x60000000; its RAM is at 0x40000000/),
    ]);
  });

  it("is room for a region of the VM file's", () => {
    const region = { ...memoryOf('pool'), address: 0xb000_0000n, size: 0x1000n };
    expect(refused({ host: hostTree(), reserved: [region] }).message).toMatch(
      /pool is at 0xb0000000 to 0xb0000fff, and not in one of the VM's carve-outs \(0x80000000 to 0xafffffff,/,
    );
    const fitting = { ...region, address: 0xa000_0000n, size: 'carve-out' as const };
    const { report } = make({ host: hostTree(), reserved: [fitting] });
    expect(report.memory.map(({ size }) => size)).toEqual([0x1000_0000n]);
  });
});

function memoryOf(name: string): Omit<ReservedRegion, 'address' | 'size'> {
  return {
    name,
    compatible: ['shared-dma-pool'],
    isKept: false,
    isReusable: true,
    isDefaultPool: false,
    carveoutIndex: undefined,
    properties: {},
    reason: 'a test',
  };
}

function clocksOf(made: Made, host: string): (number | undefined)[] {
  const bpmp = findNode(made.tree, '/bpmp');
  return specifiersOf(nodeOf(made, host), 'clocks', phandlesOf(made.tree)).map(({ to, args }) => {
    expect(to).toBe(bpmp);
    return args[0];
  });
}
