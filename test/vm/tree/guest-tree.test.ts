import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GuestView } from '../../../src/bpmp/worker/index.js';
import { parseVmFile } from '../../../src/config/index.js';
import {
  cells,
  danglingReferences,
  emptyTree,
  findNode,
  parseTree,
  phandleOf,
  readCells,
  readString,
  readStrings,
  strings,
  type Tree,
  writeTree,
} from '../../../src/devicetree/index.js';
import { RuntimeFolder } from '../../../src/vm/runtime-folder.js';
import { guestTree } from '../../../src/vm/tree/index.js';
import { dtc, hasDtc } from '../../devicetree/dtc.js';

const work = mkdtempSync(join(tmpdir(), 'gpuvm-tree-'));
let runtime: RuntimeFolder;
beforeAll(async () => {
  runtime = await RuntimeFolder.create();
});
afterAll(async () => {
  await runtime.remove();
  rmSync(work, { recursive: true });
});

/** What counts of the tree that QEMU makes for `virt`. */
function virt(): Tree {
  const tree = emptyTree();
  const { root } = tree;
  root.set('interrupt-parent', cells(0x8005)).set('#address-cells', cells(2)).set('#size-cells', cells(2));
  root.add('intc@8000000').set('phandle', cells(0x8005)).set('#interrupt-cells', cells(3));
  root
    .add('pcie@10000000')
    .set('device_type', strings('pci'))
    .set('compatible', strings('pci-host-ecam-generic'));
  root.add('chosen');
  return tree;
}

let count = 0;
function file(bytes: Uint8Array): string {
  const path = join(work, `file-${count++}`);
  writeFileSync(path, bytes);
  return path;
}

const ALL: GuestView = { i2cBuses: [5], thermal: true, observed: false };

async function compose(text: string, base: Tree = virt(), guest: GuestView = ALL): Promise<Tree> {
  const lines = `name: kite\nmachine: virt\npolicy: p.yaml\ndtb: ${file(writeTree(base))}\n${text}`;
  const tree = guestTree(parseVmFile(lines, { file: '/vm.yaml' }), runtime);
  return parseTree(await tree!.finish(async () => guest));
}

const cellsOf = (tree: Tree, path: string, property: string) =>
  readCells(findNode(tree, path)?.get(property));

describe('the tree of an ivc guest', () => {
  it('has doorbell, shared memory and BPMP, each wired to the next, and no PCI', async () => {
    const tree = await compose('bridge: { kind: ivc }');
    expect(findNode(tree, '/pcie@10000000')).toBeUndefined();
    expect(cellsOf(tree, '/hsp@10900000', 'reg')).toEqual([0, 0x1090_0000, 0, 0xa_0000]);
    expect(cellsOf(tree, '/hsp', 'interrupts')).toEqual([0, 3, 4]);
    expect(cellsOf(tree, '/hsp', 'interrupt-parent')).toEqual([0x8005]);
    expect(cellsOf(tree, '/sram@10a00000', 'ranges')).toEqual([0, 0, 0x10a0_0000, 0x2000]);
    const phandle = (path: string) => phandleOf(findNode(tree, path)!);
    expect(cellsOf(tree, '/bpmp', 'mboxes')).toEqual([phandle('/hsp'), 0, 19]);
    expect(cellsOf(tree, '/bpmp', 'shmem')).toEqual([phandle('/sram/sram@0'), phandle('/sram/sram@1000')]);
    expect(readStrings(findNode(tree, '/bpmp')?.get('compatible'))).toContain('nvidia,tegra186-bpmp');
    expect(cellsOf(tree, '/misc', 'reg')).toEqual([0, 0x109f_0000, 0, 0x1000, 0, 0x109f_1000, 0, 0x1000]);
    expect(danglingReferences(tree)).toEqual([]);
  });

  it('has what hangs on the BPMP as the policy grants it', async () => {
    const status = async (granted: Omit<GuestView, 'observed'>, observed = false) => {
      const guest = { ...granted, observed };
      const tree = await compose('bridge: { kind: ivc }', virt(), guest);
      return ['i2c', 'thermal'].map((name) => readString(findNode(tree, `/bpmp/${name}`)?.get('status')));
    };
    expect(await status({ i2cBuses: [5], thermal: true })).toEqual(['okay', 'okay']);
    expect(await status({ i2cBuses: [1], thermal: false })).toEqual(['disabled', 'disabled']);
    expect(await status({ i2cBuses: [], thermal: false }, true)).toEqual(['okay', 'okay']);
  });

  it('needs a GIC', async () => {
    await expect(compose('bridge: { kind: ivc }', emptyTree())).rejects.toMatchObject({
      code: 'GPUVM_CONFIG',
      message: expect.stringContaining('/vm.yaml: the guest'),
    });
  });
});

describe.skipIf(!hasDtc)('what a guest’s tree names', () => {
  it('is what its devices use of the BPMP, but not those that are switched off', async () => {
    const overlay = file(
      dtc(
        `/dts-v1/; /plugin/; &{/} {
          osc: osc { #clock-cells = <0>; };
          a { clocks = <&osc>, <&bpmp 41>, <&bpmp 304>; power-domains = <&bpmp 35>; resets = <&bpmp 1>; };
          b { status = "disabled"; clocks = <&bpmp 7>; c { clocks = <&bpmp 8>; }; };
          d { assigned-clocks = <&bpmp 9>; thermal-sensors = <&bpmp_thermal 2>; };
        };`,
        'dts',
        'dtb',
        '-@',
      ),
    );
    const text = `name: kite\nmachine: virt\npolicy: p.yaml\ndtb: ${file(writeTree(virt()))}
bridge: { kind: ivc }\ndeviceTree: { overlays: [${overlay}] }`;
    const tree = guestTree(parseVmFile(text, { file: '/vm.yaml' }), runtime);
    expect(await tree!.named).toEqual({ clocks: [41, 304, 9], powerDomains: [35] });
  });
});

describe('the tree of a guest with a window', () => {
  it('says where the window is', async () => {
    const tree = await compose('bridge: { kind: vfio-user }');
    expect(cellsOf(tree, '/bpmp', 'virtual-pa')).toEqual([0, 0x1080_0b00]);
    expect(findNode(tree, '/pcie')).toBeUndefined();
    const elsewhere = await compose('bridge: { kind: vfio-user, guestAddress: 0x10800000 }');
    expect(cellsOf(elsewhere, '/bpmp', 'virtual-pa')).toEqual([0, 0x1080_0000]);
  });

  it('is refused where the dtb says another place', async () => {
    const base = virt();
    base.root.add('bpmp').set('virtual-pa', cells(0, 0x90c_0000));
    await expect(compose('bridge: { kind: vfio-user }', base)).rejects.toThrow(
      "/vm.yaml: the dtb's virtual-pa is 0x90c0000, and the window is at 0x10800b00: set bridge.guestAddress",
    );
  });
});

describe('any guest’s tree', () => {
  it('is left to QEMU where nothing is to be added', () => {
    for (const bridge of ['none', 'interposed']) {
      const text = `name: kite\nmachine: virt\npolicy: p.yaml\nbridge: { kind: ${bridge} }`;
      expect(guestTree(parseVmFile(text, { file: '/vm.yaml' }), runtime)).toBeUndefined();
    }
  });

  it.skipIf(!hasDtc)('takes overlays in their order, whose errors name their file', async () => {
    const overlay = (source: string) => file(dtc(`/dts-v1/; /plugin/; ${source}`, 'dts', 'dtb', '-@'));
    const first = overlay('&{/} { first: bus { clocks = <&bpmp 41>; status = "off"; }; };');
    const second = overlay('&first { status = "okay"; }; &bpmp_i2c { sensor@3c { reg = <0x3c>; }; };');
    const tree = await compose(`bridge: { kind: ivc }\ndeviceTree: { overlays: [${first}, ${second}] }`);
    expect(cellsOf(tree, '/bus', 'clocks')).toEqual([phandleOf(findNode(tree, '/bpmp')!), 41]);
    expect(readString(findNode(tree, '/bus')?.get('status'))).toBe('okay');
    expect(cellsOf(tree, '/bpmp/i2c/sensor', 'reg')).toEqual([0x3c]);
    const reversed = compose(`bridge: { kind: ivc }\ndeviceTree: { overlays: [${second}, ${first}] }`);
    await expect(reversed).rejects.toThrow(`${second}: the overlay refers to &first`);
    const plain = await compose(`deviceTree: { overlays: [${overlay('&{/chosen} { seen; };')}] }`);
    expect(findNode(plain, '/chosen')?.get('seen')).toHaveLength(0);
    expect(findNode(plain, '/pcie')).toBeDefined();
  });

  it('is refused where a file is no tree', async () => {
    const text = `name: kite\nmachine: virt\npolicy: p.yaml\nbridge: { kind: ivc }\ndtb: ${file(new Uint8Array(99))}`;
    const tree = guestTree(parseVmFile(text, { file: '/vm.yaml' }), runtime);
    await expect(tree!.finish(async () => ALL)).rejects.toMatchObject({ code: 'GPUVM_DEVICE_TREE' });
  });
});
