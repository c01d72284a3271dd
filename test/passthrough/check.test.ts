import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../src/bpmp/policy/index.js';
import { parseVmFile, type VmConfig } from '../../src/config/index.js';
import {
  cells,
  cloneTree,
  diffTrees,
  findLabel,
  findNode,
  phandleOf,
  readCells,
  strings,
  type Tree,
  u64s,
  walk,
  writeTree,
} from '../../src/devicetree/index.js';
import {
  addDevices,
  builtinProfiles,
  checkGuestTree,
  type Expectations,
  lineOf,
  mendGuestTree,
  placeDevices,
  resolveDevices,
  unjudgedCarveOuts,
} from '../../src/passthrough/index.js';
import { orinVirt } from '../../src/qemu/platform-bus/index.js';
import { arbitraryTree, wiredTree } from '../devicetree/arbitrary.js';
import { hasDtc } from '../devicetree/dtc.js';
import { hostTree } from '../devicetree/fixtures/tegra234.js';
import { virtTree } from './virt.js';

const file = fileURLToPath(new URL('../../examples/orin-gpu-vm.yaml', import.meta.url));
const example = parseVmFile(readFileSync(file, 'utf8'), { file });
const bus = { ...orinVirt, ramSize: 1n << 30n, pageSize: 0x1000n };
const WINDOW = 0x090d_0000n;

/** A tree as a run would make it, and what it must agree with. */
function right(devices: VmConfig['platformDevices'] = example.platformDevices, cpus = 4) {
  const host = { tree: hostTree(), from: 'host.dtb' };
  const placed = placeDevices(resolveDevices(devices, host, builtinProfiles).devices, bus);
  const tree = virtTree({ cpus });
  findNode(tree, '/bpmp')!.set('virtual-pa', u64s(WINDOW));
  addDevices({ tree, devices: placed, bus, host, append: undefined });
  const expectations: Expectations = {
    devices: placed,
    bus,
    host,
    window: { address: WINDOW, because: 'QEMU has it there' },
    cpuCount: cpus,
    cpuAddresses: Array.from({ length: cpus }, (_, index) => BigInt(index)),
    append: undefined,
    policy: undefined,
  };
  return { tree, expectations };
}

const lines = (tree: Tree, expectations: Expectations) => checkGuestTree(tree, expectations).map(lineOf);
const BUS = '/platform-bus@60000000';
const GPU = `${BUS}/gpu@17000000`;

/** Changes words of a property by their index. */
function patch(tree: Tree, path: string, property: string, change: Readonly<Record<number, number>>): void {
  const node = findNode(tree, path)!;
  const words = readCells(node.get(property))!;
  for (const [index, word] of Object.entries(change)) words[Number(index)] = word;
  node.set(property, cells(...words));
}

function dropCpu(tree: Tree, number: number): void {
  findNode(tree, `/cpus/cpu@${number}`)!.detach();
}

describe.skipIf(!hasDtc)('a guest tree that is checked', () => {
  it('has nothing against one that gpuvm makes', () => {
    const { tree, expectations } = right();
    expect(lines(tree, expectations)).toEqual([]);
  });

  it('finds four stale numbers, and no more, with the right ones; and mends them', () => {
    const { tree, expectations } = right();
    const good = cloneTree(tree);
    findNode(tree, '/bpmp')!.set('virtual-pa', u64s(0x090c_0000n));
    dropCpu(tree, 3);
    const spi = readCells(findNode(tree, GPU)!.get('interrupts'))![4]!;
    patch(tree, GPU, 'interrupts', { 4: spi + 7 });
    const ranges = readCells(findNode(tree, '/platform-bus@60000000')!.get('ranges'))!;
    const entry = ranges.findIndex((word, index) => index % 6 === 1 && word === 0x1534_0000) - 1;
    patch(tree, '/platform-bus@60000000', 'ranges', { [entry + 3]: ranges[entry + 3]! + 0x10_0000 });
    const [bad, there] = [ranges[entry + 3]! + 0x10_0000, ranges[entry + 3]!];
    expect(lines(tree, expectations)).toEqual([
      "/bpmp: virtual-pa: the BPMP's window is not at 0x90c0000; right: <0x0 0x90d0000> (QEMU has it there)",
      '/cpus: 3 CPUs, and smp of the VM file makes 4; right: cpu@0 cpu@1 cpu@2 cpu@3',
      `/platform-bus@60000000: ranges: the entry <0x15340000 0x${bad.toString(16)} 0x40000> has 15340000.vic at 0x${bad.toString(16)}, and QEMU has it at 0x${there.toString(16)}; right: <0x15340000 0x${there.toString(16)} 0x40000>`,
      `${GPU}: interrupts: line 2 is SPI ${spi + 7}, high level, and QEMU gives 17000000.gpu SPI ${spi}; right: <0 ${spi} 4>`,
    ]);
    expect(mendGuestTree(tree, expectations).map(lineOf)).toEqual([]);
    expect(diffTrees(good, tree)).toEqual([]);
  });

  describe('the window', () => {
    const of = (change: (tree: Tree) => void) => {
      const { tree, expectations } = right();
      change(tree);
      return { found: lines(tree, expectations), left: mendGuestTree(tree, expectations).map(lineOf) };
    };

    it.each<[string, Uint8Array | undefined, string]>([
      ['none', undefined, "it does not say where the BPMP's window is"],
      ['of one cell', cells(0x90d_0000), 'it is no address of two cells, but 0x90d0000 in one'],
      ['of three cells', cells(0, 0x90d_0000, 0), 'it is no address of two cells'],
    ])('%s is wrong', (_, value, what) => {
      const { found, left } = of((tree) => {
        const node = findNode(tree, '/bpmp')!;
        if (value) node.set('virtual-pa', value);
        else node.properties.delete('virtual-pa');
      });
      expect(found).toEqual([expect.stringContaining(`/bpmp: virtual-pa: ${what}; right: `)]);
      expect(left).toEqual([]);
    });

    it('cannot be in a tree without a BPMP, and all that refers to it is told', () => {
      const { found, left } = of((tree) => findNode(tree, '/bpmp')!.detach());
      expect(found[0]).toMatch(/^\/bpmp: there is no node of the BPMP/);
      expect(found.some((line) => line.startsWith(`${GPU}: clocks: its entry 1 refers to phandle`))).toBe(
        true,
      );
      expect(left).toEqual(found);
    });

    it('is not judged where it is not known', () => {
      const { tree, expectations } = right();
      findNode(tree, '/bpmp')!.set('virtual-pa', u64s(1n));
      expect(lines(tree, { ...expectations, window: undefined })).toEqual([]);
    });
  });

  describe('CPUs', () => {
    it.each([
      [4, 1],
      [1, 4],
      [2, 8],
    ])('%i that should be %i become so', (there, wanted) => {
      const { tree, expectations } = right(example.platformDevices, there);
      const cpuAddresses = Array.from({ length: wanted }, (_, index) => BigInt(index));
      const wants = { ...expectations, cpuCount: wanted, cpuAddresses };
      expect(lines(tree, wants)).toHaveLength(1);
      expect(mendGuestTree(tree, wants)).toEqual([]);
      const names = [...findNode(tree, '/cpus')!.children].map(({ name }) => name);
      expect(names.sort()).toEqual(cpuAddresses.map((address) => `cpu@${address}`));
    });

    it('come and go with their places in cpu-map, and with what refers to them', () => {
      const { tree, expectations } = right(example.platformDevices, 3);
      const cpus = findNode(tree, '/cpus')!;
      const cluster = cpus.add('cpu-map').add('socket0').add('cluster0');
      for (const number of [0, 1, 2]) {
        cpus.child(`cpu@${number}`)!.set('phandle', cells(0x9000 + number));
        cluster.add(`core${number}`).set('cpu', cells(0x9000 + number));
      }
      tree.root
        .add('pmu')
        .set('interrupt-affinity', cells(0x9000, 0x9001, 0x9002))
        .set('interrupts', cells(1, 7, 0x704));
      const with4 = { ...expectations, cpuAddresses: [0n, 1n, 2n, 3n] };
      expect(mendGuestTree(tree, with4)).toEqual([]);
      const added = phandleOf(cpus.child('cpu@3')!)!;
      expect(readCells(cluster.child('core3')!.get('cpu'))).toEqual([added]);
      // All of the CPUs, as a GIC of version 2 has them in its third cell.
      const flags = () => readCells(findNode(tree, '/pmu')!.get('interrupts'))![2];
      expect(flags()).toBe(0xf04);
      const with2 = { ...expectations, cpuAddresses: [0n, 2n] };
      expect(mendGuestTree(tree, with2)).toEqual([]);
      expect(flags()).toBe(0x304);
      expect([...cluster.children].map(({ name }) => name)).toEqual(['core0', 'core1']);
      expect(readCells(cluster.child('core1')!.get('cpu'))).toEqual([0x9002]);
      expect(readCells(findNode(tree, '/pmu')!.get('interrupt-affinity'))).toEqual([0x9000, 0x9002]);
    });

    it('of other numbers than QEMU has are told, and of an unknown number are not mended', () => {
      const { tree, expectations } = right(example.platformDevices, 2);
      const far = { ...expectations, cpuAddresses: [0n, 0x100n] };
      expect(lines(tree, far)).toEqual([
        "/cpus: the CPUs are 0x0, 0x1, and QEMU's are 0x0, 0x100; right: cpu@0 cpu@100",
      ]);
      const many = { ...expectations, cpuCount: 12, cpuAddresses: undefined };
      expect(checkGuestTree(tree, many)).toMatchObject([
        { right: "12 CPUs, as in QEMU's own tree", mend: undefined },
      ]);
      expect(lines(tree, { ...expectations, cpuCount: undefined, cpuAddresses: undefined })).toEqual([]);
    });
  });

  describe('ranges and registers', () => {
    const vm = () => right([{ host: '17000000.gpu' }] as VmConfig['platformDevices']);
    const entries = (tree: Tree) => readCells(findNode(tree, BUS)!.get('ranges'))!;
    const checked = (change: (tree: Tree) => void) => {
      const { tree, expectations } = vm();
      const good = cloneTree(tree);
      change(tree);
      const found = lines(tree, expectations);
      const left = mendGuestTree(tree, expectations).map(lineOf);
      return { found, left, isMended: diffTrees(good, tree).length === 0 };
    };

    it.each<[string, (tree: Tree) => void, RegExp]>([
      [
        'an entry that is missing',
        (tree) => findNode(tree, BUS)!.set('ranges', cells(...entries(tree).slice(0, -6))),
        /no entry leads to region 3 of 17000000\.gpu \(0x3b41000\); right: <0x3b41000 0x/,
      ],
      [
        'an entry of another address',
        (tree) => patch(tree, BUS, 'ranges', { 1: 0x1700_0000 + 0x100_0000 * 8 }),
        /leads to 17000000\.gpu from another address than the device's; right: <0x17000000 /,
      ],
      [
        'an entry that is too short',
        (tree) => patch(tree, BUS, 'ranges', { 5: 0x1000 }),
        /ends before 17000000\.gpu does; right: <0x17000000 0x[0-9a-f]+ 0x1000000>$/,
      ],
      [
        'an entry to nowhere',
        (tree) =>
          findNode(tree, BUS)!.set(
            'ranges',
            cells(...entries(tree), 0, 0x3d5_0000, 0, 0x7777_0000, 0, 0x1000),
          ),
        /leads to where nothing of this VM is; right: no such entry/,
      ],
      [
        'a register elsewhere',
        (tree) => patch(tree, GPU, 'reg', { 1: 0x1780_0000 }),
        /reg: 17000000\.gpu is said to be at 0x17800000, .*; right: <0x17000000 0x1000000>/,
      ],
      [
        'a register that is too long',
        (tree) => patch(tree, GPU, 'reg', { 3: 0x200_0000 }),
        /is said to be 0x2000000 long; right: <0x17000000 0x1000000>/,
      ],
    ])('%s', (_, change, expected) => {
      const { found, left, isMended } = checked(change);
      expect(found).toEqual([expect.stringMatching(expected)]);
      expect(left).toEqual([]);
      expect(isMended).toBe(true);
    });

    it('takes registers up to the end of their last page', () => {
      const { tree, expectations } = vm();
      patch(tree, GPU, 'reg', { 11: 0x1000 });
      const [gpu] = expectations.devices;
      const regions = gpu!.regions.with(2, { address: gpu!.regions[2]!.address, size: 0xfffn });
      expect(lines(tree, { ...expectations, devices: [{ ...gpu!, regions }] })).toEqual([]);
    });

    it("takes addresses on the bus as QEMU's own tree has them", () => {
      const { tree, expectations } = vm();
      const { regions } = expectations.devices[0]!.placed;
      const node = findNode(tree, BUS)!;
      node.set('ranges', u64s(0n, bus.base, bus.size));
      node
        .child('gpu@17000000')!
        .set('reg', u64s(...regions.flatMap(({ address, size }) => [address - bus.base, size])));
      expect(lines(tree, expectations)).toEqual([]);
      patch(tree, GPU, 'reg', { 1: 0x123_0000 });
      expect(lines(tree, expectations)).toEqual([
        expect.stringMatching(/^\S+gpu@17000000: reg: .*at 0x1230000/),
      ]);
      expect(mendGuestTree(tree, expectations)).toEqual([]);
    });

    it('tells one finding for an entry that several regions are in', () => {
      const { tree, expectations } = vm();
      const [first] = expectations.devices[0]!.placed.regions;
      const node = findNode(tree, BUS)!;
      // QEMU has the two 0x1000000 apart, as the host has: one entry may do for both.
      const third = cells(...entries(tree).slice(-6));
      node.set('ranges', Buffer.concat([u64s(0x1700_0000n, first!.address + 0x1000n, 0x200_0000n), third]));
      expect(lines(tree, expectations)).toHaveLength(1);
      expect(mendGuestTree(tree, expectations)).toEqual([]);
      expect(readCells(node.get('ranges'))!.slice(0, 6)).toEqual(
        readCells(u64s(0x1700_0000n, first!.address, 0x200_0000n)),
      );
    });

    it('tells what is no whole number of entries, and nothing that would follow from that', () => {
      const { tree, expectations } = vm();
      findNode(tree, BUS)!.set('#size-cells', cells(1));
      expect(lines(tree, expectations)).toEqual([
        `${BUS}: ranges: it is 18 cells long, and an entry has 5 cells by #address-cells and #size-cells; right: whole entries`,
      ]);
      findNode(tree, BUS)!.set('#size-cells', cells(2));
      findNode(tree, GPU)!.set('reg', cells(0, 0x1700_0000, 0x100_0000));
      expect(lines(tree, expectations)).toEqual([
        `${GPU}: reg: it is 3 cells long, and an entry has 4 cells by #address-cells and #size-cells; right: whole entries`,
      ]);
    });

    it('tells nodes of devices that the VM has not, and devices without a node', () => {
      const { tree, expectations } = vm();
      const node = findNode(tree, BUS)!;
      node.set('ranges', cells(...entries(tree), 0, 0x310_0000, 0, 0x7777_0000, 0, 0x1000));
      node.add('serial@3100000').set('reg', u64s(0x310_0000n, 0x1000n));
      expect(lines(tree, expectations)).toEqual([
        `${BUS}/serial@3100000: reg: nothing of this VM is at 0x77770000; right: the device in the VM file (platformDevices), or no such node`,
      ]);
      findNode(tree, GPU)!.detach();
      expect(lines(tree, expectations)[1]).toMatch(
        /^\/platform-bus@60000000: there is no node of 17000000\.gpu, which the VM has; right: a node ga10b|gpu/,
      );
    });
  });

  describe('interrupts', () => {
    const vm = () => right([{ host: '17000000.gpu' }] as VmConfig['platformDevices']);

    it('of the right number and another trigger are told', () => {
      const { tree, expectations } = vm();
      patch(tree, GPU, 'interrupts', { 2: 1 });
      expect(lines(tree, expectations)).toEqual([
        `${GPU}: interrupts: line 1 is SPI 112, rising edge, and QEMU gives 17000000.gpu SPI 112, high level; right: <0 112 4>`,
      ]);
      expect(mendGuestTree(tree, expectations)).toEqual([]);
    });

    it('may name their controller each', () => {
      const { tree, expectations } = vm();
      const node = findNode(tree, GPU)!;
      const words = readCells(node.get('interrupts'))!;
      const gic = 0x8002;
      const extended = (all: readonly number[]) =>
        cells(...all.flatMap((word, index) => (index % 3 === 0 ? [gic, word] : [word])));
      node.set('interrupts-extended', extended(words)).properties.delete('interrupts');
      expect(lines(tree, expectations)).toEqual([]);
      node.set('interrupts-extended', extended(words.with(4, 150)));
      expect(lines(tree, expectations)).toEqual([
        `${GPU}: interrupts-extended: line 2 is SPI 150, high level, and QEMU gives 17000000.gpu SPI 113; right: <0 113 4>`,
      ]);
      expect(mendGuestTree(tree, expectations)).toEqual([]);
      expect(readCells(node.get('interrupts-extended'))).toEqual(readCells(extended(words)));
    });

    it('may be in another order where their names are too', () => {
      const { tree, expectations } = vm();
      const node = findNode(tree, GPU)!;
      const words = readCells(node.get('interrupts'))!;
      const names = Buffer.from(node.get('interrupt-names')!).toString().split('\0').slice(0, -1);
      const lines3 = Array.from({ length: words.length / 3 }, (_, index) =>
        words.slice(3 * index, 3 * index + 3),
      );
      node
        .set('interrupts', cells(...lines3.toReversed().flat()))
        .set('interrupt-names', strings(...names.toReversed()));
      expect(lines(tree, expectations)).toEqual([]);
      node.properties.delete('interrupt-names');
      expect(lines(tree, expectations).length).toBeGreaterThan(1);
    });

    it('that are not there are put there, and one too many is told', () => {
      const { tree, expectations } = vm();
      const node = findNode(tree, GPU)!;
      const words = readCells(node.get('interrupts'))!;
      node.set('interrupts', cells(...words, 0, 150, 4));
      expect(lines(tree, expectations)).toEqual([
        expect.stringMatching(/interrupts: line \d is one that 17000000\.gpu has not: QEMU gives it \d/),
      ]);
      node.properties.delete('interrupts');
      expect(lines(tree, expectations)).toEqual([
        expect.stringMatching(/17000000\.gpu has no interrupt here/),
      ]);
      expect(mendGuestTree(tree, expectations)).toEqual([]);
      expect(readCells(node.get('interrupts'))).toEqual(words);
    });
  });

  describe('memory', () => {
    it('that is not what the VM has is told, and that QEMU replaces it', () => {
      const { tree, expectations } = right();
      const more = { ...expectations, bus: { ...bus, ramSize: 2n << 30n } };
      expect(lines(tree, more)).toEqual([
        '/memory@2000000000: reg: 1024 MiB of RAM, and memory of the VM file is 2048 MiB; it is replaced by QEMU; right: <0x2000000000 0x80000000>',
      ]);
      expect(mendGuestTree(tree, more)).toEqual([]);
    });

    it('of a carve-out must not be called as RAM is', () => {
      const { tree, expectations } = right();
      const node = tree.root
        .add('memory@80000000')
        .set('device_type', strings('memory'))
        .set('reg', u64s(0x8000_0000n, 0x1000_0000n));
      tree.root.child('carve-out@80000000')!.detach();
      expect(node.path).toBe('/memory@80000000');
      expect(lines(tree, expectations)).toEqual([
        "/memory@80000000: a carve-out's memory that the guest will not see: QEMU takes each node memory@… out of a tree that it is given; right: another name, such as carve-out@80000000; Linux goes by device_type",
      ]);
      expect(mendGuestTree(tree, expectations)).toEqual([]);
      expect(findNode(tree, '/carve-out@80000000')).toBeDefined();
    });

    it('outside of what is mapped is told, and stays', () => {
      const { tree, expectations } = right();
      findNode(tree, '/carve-out@80000000')!.set('reg', u64s(0x8000_0000n, 0x4000_0000n));
      findNode(tree, '/reserved-memory')!.add('far@500000000').set('reg', u64s(0x5_0000_0000n, 0x1000n));
      const found = lines(tree, expectations);
      expect(found).toEqual([
        expect.stringMatching(
          /^\/carve-out@80000000: reg: 0x80000000 to 0xbfffffff is memory that no carve-out of the VM has; right: within 0x60000000 to 0x63ffffff, 0x80000000 to 0xafffffff, /,
        ),
        expect.stringMatching(
          /^\/reserved-memory\/far@500000000: reg: 0x500000000 to 0x500000fff is memory that neither RAM nor/,
        ),
      ]);
      expect(mendGuestTree(tree, expectations).map(lineOf)).toEqual(found);
    });

    it('must be what the host reserves, where its tree has the carve-outs', () => {
      const { tree, expectations } = right();
      expect(unjudgedCarveOuts(expectations)).toHaveLength(3);
      const host = hostTree();
      host.root.add('vm_cma_p@80000000').set('reg', u64s(0x8000_0000n, 0x3000_0000n));
      const wants = { ...expectations, host: { tree: host, from: 'host.dtb' } };
      expect(unjudgedCarveOuts(wants)).toHaveLength(2);
      expect(lines(tree, wants)).toEqual([
        expect.stringMatching(
          / is memory that the host does not reserve; right: a reservation in the host's tree \(host\.dtb\)/,
        ),
      ]);
      (findNode(host, '/reserved-memory') ?? host.root.add('reserved-memory'))
        .add('vm-cma@80000000')
        .set('reg', u64s(0x8000_0000n, 0x3000_0000n))
        .set('no-map', new Uint8Array(0));
      expect(lines(tree, wants)).toEqual([]);
    });
  });

  describe('what the policy grants', () => {
    const text = (mode: string) => `version: 1\nchip: tegra234\nmode: ${mode}\nclocks:\n  GPUSYS: use\n`;

    it('is held against what is asked for, by node and property', () => {
      const { tree, expectations } = right([{ host: '17000000.gpu' }] as VmConfig['platformDevices']);
      const policy = { file: 'gpu.yaml', compiled: parsePolicy(text('enforce')).compile() };
      const found = lines(tree, { ...expectations, policy });
      expect(found[0]).toMatch(
        new RegExp(
          `^${GPU}: clocks: the policy does not grant clocks GPC0CLK \\(41\\), GPC1CLK \\(236\\); right: clocks: \\[GPC0CLK, GPC1CLK\\] granted in gpu\\.yaml`,
        ),
      );
      expect(found.map((line) => line.split(': ')[1])).toEqual(['clocks', 'resets', 'power-domains']);
      const auditing = { file: 'gpu.yaml', compiled: parsePolicy(text('audit')).compile() };
      expect(lines(tree, { ...expectations, policy: auditing })).toEqual([]);
    });

    it('says of a number that the chip has not that it has not', () => {
      const { tree, expectations } = right([{ host: '17000000.gpu' }] as VmConfig['platformDevices']);
      patch(tree, GPU, 'clocks', { 1: 9999 });
      const policy = { file: 'gpu.yaml', compiled: parsePolicy(text('enforce')).compile() };
      expect(lines(tree, { ...expectations, policy })[0]).toMatch(/9999.*; right: clocks that Tegra234 has$/);
    });
  });

  it('wants the parameters without which clocks go off', () => {
    const { tree, expectations } = right();
    findNode(tree, '/chosen')!.set('bootargs', strings('quiet pd_ignore_unused'));
    expect(lines(tree, expectations)).toEqual([
      '/chosen: bootargs: it lacks clk_ignore_unused; right: "quiet pd_ignore_unused clk_ignore_unused"',
    ]);
    expect(lines(tree, { ...expectations, append: 'clk_ignore_unused pd_ignore_unused' })).toEqual([]);
    expect(mendGuestTree(tree, expectations)).toEqual([]);
    const replaced = checkGuestTree(tree, { ...expectations, append: 'quiet' });
    expect(replaced).toMatchObject([{ path: '/chosen', mend: undefined }]);
    expect(replaced[0]!.what).toContain('append of the VM file, which replaces it, lacks');
  });

  it('tells references that lead nowhere, and numbers that two nodes have', () => {
    const { tree, expectations } = right();
    const phandle = phandleOf(findNode(tree, '/bpmp')!)!;
    tree.root.add('other').set('phandle', cells(phandle)).set('foo-supply', cells(0x4711));
    expect(lines(tree, expectations)).toEqual([
      '/other: foo-supply: its entry 1 refers to phandle 0x4711, which no node has; right: the phandle of a node of this tree, or no such entry',
      expect.stringMatching(
        /^\/other: phandle: 0x[0-9a-f]+ is \/bpmp's, which all that refers to it means; right: a number that no node has, such as 0x/,
      ),
    ]);
    expect(mendGuestTree(tree, expectations)).toHaveLength(1);
    expect(phandleOf(findNode(tree, '/other')!)).not.toBe(phandle);
    expect(phandleOf(findNode(tree, '/bpmp')!)).toBe(phandle);
  });

  it('finds what was changed at random in what it knows the right value of, and mends it', () => {
    const { tree: good, expectations } = right();
    const devices = expectations.devices.filter(({ isCarveOut }) => !isCarveOut);
    const nodes = devices.map(({ profile }) => findLabel(good, profile.name)!.path);
    const words = [
      ...nodes.flatMap((path) =>
        (readCells(findNode(good, path)!.get('interrupts')) ?? []).flatMap((_, index) =>
          index % 3 === 1 ? [[path, 'interrupts', index] as const] : [],
        ),
      ),
      // Where QEMU has it: what the device calls it is the device's to say.
      ...readCells(findNode(good, BUS)!.get('ranges'))!.flatMap((_, index) =>
        index % 6 === 3 ? [[BUS, 'ranges', index] as const] : [],
      ),
      ['/bpmp', 'virtual-pa', 1] as const,
    ];
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(words.length - 1), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 60 }),
        (chosen, by) => {
          const tree = cloneTree(good);
          for (const each of chosen) {
            const [path, property, index] = words[each]!;
            const step = property === 'interrupts' ? by : by * 0x1000;
            patch(tree, path, property, {
              [index]: readCells(findNode(tree, path)!.get(property))![index]! + step,
            });
          }
          expect(lines(tree, expectations)).toHaveLength(chosen.length);
          expect(mendGuestTree(tree, expectations).map(lineOf)).toEqual([]);
          expect(diffTrees(good, tree)).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('takes any tree', () => {
    const { expectations } = right();
    const compiled = parsePolicy('version: 1\nchip: tegra234\n').compile();
    const wants = { ...expectations, policy: { file: 'p.yaml', compiled } };
    fc.assert(
      fc.property(fc.oneof(arbitraryTree, wiredTree, disturbed), (tree) => {
        expect(checkGuestTree(tree, wants).every((finding) => !lineOf(finding).includes('\n'))).toBe(true);
        const left = mendGuestTree(tree, wants);
        expect(left.map(lineOf)).toEqual(checkGuestTree(tree, wants).map(lineOf));
        writeTree(tree);
      }),
      { numRuns: 300 },
    );
  });
});

/** The right tree with other values in some of its properties. */
const disturbed: fc.Arbitrary<Tree> = fc
  .array(
    fc.tuple(
      fc.nat(5000),
      fc.oneof(
        fc.constant(undefined),
        fc.array(fc.oneof(fc.nat(4), fc.nat(0xffff_ffff)), { maxLength: 12 }).map((words) => cells(...words)),
        fc.uint8Array({ maxLength: 9 }),
      ),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((changes) => {
    const { tree } = right();
    const places = [...walk(tree.root)].flatMap((node) =>
      [...node.properties.keys()].map((name) => ({ node, name })),
    );
    for (const [index, value] of changes) {
      const { node, name } = places[index % places.length]!;
      if (value) node.set(name, value);
      else node.properties.delete(name);
    }
    return tree;
  });
