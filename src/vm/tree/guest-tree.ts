import { readFile } from 'node:fs/promises';
import type { GuestView } from '../../bpmp/worker/index.js';
import type { VmConfig } from '../../config/index.js';
import {
  applyOverlay,
  parseTree,
  removeNode,
  setLabel,
  type Tree,
  writeTree,
} from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import type { GuestTreeReport } from '../../passthrough/index.js';
import { askRegions, machineTree } from '../../qemu/index.js';
import type { RuntimeFolder } from '../runtime-folder.js';
import { type DescribeOptions, describesDevices } from './describes.js';
import { type Named, namedIn } from './named.js';
import { gicOf, pciHostsOf } from './nodes.js';
import { renewSeeds } from './seeds.js';

/** A guest's device tree on its way: it is put together while the bridge's thread loads. */
export interface GuestTree {
  /** What became of the host's devices in it; undefined where they are not described. Rejects as `named` does. */
  readonly devices: Promise<GuestTreeReport | undefined>;
  /** What of the BPMP's its nodes name. Rejects with what is wrong with the tree or an overlay. */
  readonly named: Promise<Named>;
  /** Adds what only the bridge knows, and flattens it. */
  finish(guest: () => Promise<GuestView | undefined>): Promise<Uint8Array>;
}

/** Where the guest's tree is made; everything may be left to the defaults. */
export interface TreeSources extends DescribeOptions {
  /** QEMU's own tree, in the place of asking the VM file's QEMU for it. */
  readonly qemuTree?: string | undefined;
}

/** Begins with the VM file's `dtb`, or with QEMU's own; undefined where QEMU is to be left to itself. */
export function guestTree(
  config: VmConfig,
  folder: RuntimeFolder,
  sources: TreeSources = {},
): GuestTree | undefined {
  const { bridge, deviceTree } = config;
  const isServed = bridge.kind === 'vfio-user' || bridge.kind === 'ivc';
  if (!isServed && deviceTree.overlays.length === 0 && !describesDevices(config)) return undefined;
  const composed = compose(config, folder, sources);
  const named = composed.then(({ tree }) => namedIn(tree));
  const devices = composed.then(({ report }) => report);
  // All may be waited for later, or never where the bridge fails first.
  for (const each of [named, devices]) each.catch(() => {});
  return {
    named,
    devices,
    async finish(guest) {
      const { tree } = await composed;
      // Only there does the tree follow from what the policy grants; else the bridge need not be up yet.
      const view = bridge.kind === 'ivc' ? await guest() : undefined;
      if (view) (await import('./ivc.js')).setAvailable(tree, view);
      return writeTree(tree);
    },
  };
}

interface Composed {
  readonly tree: Tree;
  readonly report: GuestTreeReport | undefined;
}

async function compose(config: VmConfig, folder: RuntimeFolder, sources: TreeSources): Promise<Composed> {
  const tree = await readBase(config, folder, sources.qemuTree);
  renewSeeds(tree);
  let report: GuestTreeReport | undefined;
  await within(config, async () => {
    await addBridge(tree, config);
    if (describesDevices(config))
      report = await (await import('./devices.js')).describeDevices(tree, config, sources);
  });
  await addOverlays(tree, config.deviceTree.overlays);
  return { tree, report };
}

async function readBase(config: VmConfig, folder: RuntimeFolder, qemuTree?: string): Promise<Tree> {
  const file = config.dtb ?? qemuTree;
  if (file !== undefined) return parseTree(await readFile(file), { file });
  return parseTree(await machineTree(config, folder.file('dumped.dtb')), {
    file: `${config.qemu.binary}'s device tree`,
  });
}

async function addBridge(tree: Tree, config: VmConfig): Promise<void> {
  const { bridge } = config;
  const { root } = tree;
  if (bridge.kind === 'vfio-user' || bridge.kind === 'ivc') {
    // With it the guest's kernel would move the BARs, away from where the tree and the boot stub have them.
    for (const node of pciHostsOf(root)) removeNode(tree, node);
  }
  if (bridge.kind === 'vfio-user') (await import('./window.js')).addWindow(tree, bridge.guestAddress);
  if (bridge.kind === 'interposed' && describesDevices(config))
    (await import('./window.js')).addWindow(tree, await windowOf(config));
  if (bridge.kind !== 'ivc') return;
  setLabel(tree, 'intc', gicOf(root));
  (await import('./ivc.js')).addIvc(tree);
}

/** Where a patched QEMU has the window: as the VM file says, else as this QEMU itself does. */
async function windowOf(config: VmConfig): Promise<bigint> {
  const { bridge, qemu } = config;
  if (bridge.kind === 'interposed' && bridge.guestAddress !== undefined) return bridge.guestAddress;
  const regions = await askRegions(config);
  const window = regions.find(({ name }) => /bpmp/i.test(name));
  if (window) return window.address;
  throw new GpuvmError(
    'GPUVM_CONFIG',
    `${qemu.binary} has no region that is called after a BPMP, so the window's address is not known: set bridge.guestAddress to where this QEMU has it`,
  );
}

async function addOverlays(tree: Tree, files: readonly string[]): Promise<void> {
  for (const file of files) applyOverlay(tree, parseTree(await readFile(file), { file }), file);
}

/** What does not fit together was put together by the VM file. */
async function within(config: VmConfig, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!GpuvmError.is(error, 'GPUVM_CONFIG') || error.place !== undefined) throw error;
    throw new GpuvmError('GPUVM_CONFIG', error.message, { cause: error, place: { file: config.file } });
  }
}
