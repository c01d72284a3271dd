import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseVmFile, type VmConfig } from '../../../src/config/index.js';
import {
  danglingReferences,
  findNode,
  parseTree,
  phandleOf,
  readCells,
  readString,
  strings,
  type Tree,
  writeTree,
} from '../../../src/devicetree/index.js';
import { RuntimeFolder } from '../../../src/vm/runtime-folder.js';
import { guestTree } from '../../../src/vm/tree/index.js';
import { plannedTree } from '../../../src/vm/tree/planned.js';
import { hasDtc } from '../../devicetree/dtc.js';
import { hostBlob } from '../../devicetree/fixtures/tegra234.js';
import { virtTree } from '../../passthrough/virt.js';

const work = mkdtempSync(join(tmpdir(), 'gpuvm-devices-'));
const file = (name: string, bytes: Uint8Array | string) => {
  writeFileSync(join(work, name), bytes);
  return join(work, name);
};
let runtime: RuntimeFolder;
let qemuTree: string;
beforeAll(async () => {
  runtime = await RuntimeFolder.create();
  const tree = virtTree();
  findNode(tree, '/bpmp')!.detach();
  tree.root.add('pcie@10000000').set('device_type', strings('pci'));
  findNode(tree, '/chosen')!.set('rng-seed', new Uint8Array(32));
  qemuTree = file('qemu.dtb', writeTree(tree));
  if (hasDtc) file('host.dtb', hostBlob());
});
afterAll(async () => {
  await runtime.remove();
  rmSync(work, { recursive: true });
});

function vm(more: string, devices = '{ host: 17000000.gpu }, { host: 15340000.vic }'): VmConfig {
  const text = `name: kite
machine: virt
policy: p.yaml
platformBus: { base: 0x60000000, size: 0x1fc0000000, ramBase: 0x2000000000 }
platformDevices: [{ host: 80000000.vm_cma_p, mmioBase: 0x80000000, regions: [768M], interrupts: 0 }, ${devices}]
${more}`;
  return parseVmFile(text, { file: '/vm.yaml' });
}

const hostTree = () => join(work, 'host.dtb');

async function compose(config: VmConfig): Promise<Tree> {
  const made = guestTree(config, runtime, { qemuTree, hostTree: hostTree() });
  return parseTree(await made!.finish(async () => undefined));
}

describe.skipIf(!hasDtc)('the tree of a guest that owns devices', () => {
  it('has them, and a BPMP where the patched QEMU has the window', async () => {
    const tree = await compose(vm('bridge: { kind: interposed, guestAddress: 0x090d0000 }'));
    expect(readCells(findNode(tree, '/bpmp')?.get('virtual-pa'))).toEqual([0, 0x090d_0000]);
    expect(readCells(findNode(tree, '/platform-bus/gpu')?.get('resets'))).toEqual([
      phandleOf(findNode(tree, '/bpmp')!),
      19,
    ]);
    // Its PCI is its own affair.
    expect(findNode(tree, '/pcie')).toBeDefined();
    expect(danglingReferences(tree)).toEqual([]);
  });

  it("has them beside the bridge's own, whatever the bridge", async () => {
    for (const kind of ['vfio-user', 'ivc']) {
      const tree = await compose(vm(`bridge: { kind: ${kind} }`));
      expect(findNode(tree, '/platform-bus/vic'), kind).toBeDefined();
      expect(findNode(tree, '/pcie'), kind).toBeUndefined();
      expect(danglingReferences(tree), kind).toEqual([]);
    }
  });

  it('tells the policy what its devices use', async () => {
    const made = guestTree(vm('bridge: { kind: ivc }'), runtime, { qemuTree, hostTree: hostTree() });
    expect(await made!.named).toEqual({ clocks: [304, 41, 236, 167], powerDomains: [35, 29] });
    expect((await made!.devices)!.devices.map(({ host }) => host)).toEqual(['17000000.gpu', '15340000.vic']);
  });

  it('is left to whoever says so', () => {
    const interposed = 'bridge: { kind: interposed, guestAddress: 0x090d0000 }';
    expect(guestTree(vm(`${interposed}\ndeviceTree: { describeDevices: false }`), runtime)).toBeUndefined();
    expect(guestTree(vm(`${interposed}\ndtb: mine.dtb`), runtime)).toBeUndefined();
    expect(guestTree(vm(''), runtime)).toBeUndefined();
  });

  it('is divided as the VM file says', async () => {
    const region = '{ name: pool, address: 0x90000000, reusable: true, defaultPool: true }';
    const tree = await compose(vm(`bridge: { kind: ivc }\ndeviceTree: { reservedMemory: [${region}] }`));
    const pool = findNode(tree, '/reserved-memory/pool')!;
    expect(readCells(pool.get('reg'))).toEqual([0, 0x9000_0000, 0, 0x2000_0000]);
    expect(findNode(tree, '/tegra-carveouts')).toBeUndefined();
  });

  it('follows profiles of files', async () => {
    const own = `profiles: [{ name: vic, about: ours, match: { nodes: [vic], compatible: ["nvidia,tegra234-vic"] },
      guest: { children: none, set: { mark: { strings: [ours], reason: a test } } } }]`;
    const more = `bridge: { kind: ivc }\ndeviceTree: { profiles: [${file('own.yaml', own)}] }`;
    const tree = await compose(vm(more));
    expect(readString(findNode(tree, '/platform-bus/vic')?.get('mark'))).toBe('ours');
  });

  it("is refused with the VM file's name", async () => {
    const config = vm('bridge: { kind: ivc }', '{ host: 12340000.thing }');
    await expect(compose(config)).rejects.toMatchObject({
      code: 'GPUVM_CONFIG',
      message: expect.stringMatching(/^\/vm\.yaml: 12340000\.thing: what regions it has is not known/),
    });
  });
});

describe.skipIf(!hasDtc)('the planned tree', () => {
  it("is a run's without its random seeds, each time the same", async () => {
    const config = vm('bridge: { kind: vfio-user }\ndtb: somebody/elses.dtb');
    const plan = async () => (await plannedTree(config, { qemuTree, hostTree: hostTree() })).tree;
    const tree = await plan();
    expect(writeTree(await plan())).toEqual(writeTree(tree));
    expect(findNode(tree, '/chosen')?.get('rng-seed')).toBeUndefined();
    expect(findNode(tree, '/platform-bus/gpu')).toBeDefined();
  });

  it('is refused where no run would make one', async () => {
    for (const [more, why] of [
      ['', 'has no bridge'],
      ['bridge: { kind: ivc }\ndeviceTree: { describeDevices: false }', 'describeDevices is false'],
    ] as const)
      await expect(plannedTree(vm(more), { qemuTree, hostTree: hostTree() })).rejects.toThrow(why);
  });
});
