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
import { machineTree } from '../../qemu/index.js';
import type { RuntimeFolder } from '../runtime-folder.js';
import { type Named, namedIn } from './named.js';
import { gicOf, pciHostsOf } from './nodes.js';
import { renewSeeds } from './seeds.js';

/** A guest's device tree on its way: it is put together while the bridge's thread loads. */
export interface GuestTree {
  /** What of the BPMP's its nodes name. Rejects with what is wrong with the tree or an overlay. */
  readonly named: Promise<Named>;
  /** Adds what only the bridge knows, and flattens it. */
  finish(guest: () => Promise<GuestView | undefined>): Promise<Uint8Array>;
}

/** Begins with the VM file's `dtb`, or with QEMU's own; undefined where QEMU is to be left to itself. */
export function guestTree(config: VmConfig, folder: RuntimeFolder): GuestTree | undefined {
  const { bridge, deviceTree } = config;
  const isServed = bridge.kind === 'vfio-user' || bridge.kind === 'ivc';
  if (!isServed && deviceTree.overlays.length === 0) return undefined;
  const composed = compose(config, folder);
  const named = composed.then(namedIn);
  // Both may be waited for later, or never where the bridge fails first.
  named.catch(() => {});
  return {
    named,
    async finish(guest) {
      const tree = await composed;
      // Only there does the tree follow from what the policy grants; else the bridge need not be up yet.
      const view = bridge.kind === 'ivc' ? await guest() : undefined;
      if (view) (await import('./ivc.js')).setAvailable(tree, view);
      return writeTree(tree);
    },
  };
}

async function compose(config: VmConfig, folder: RuntimeFolder): Promise<Tree> {
  const tree = await readBase(config, folder);
  renewSeeds(tree);
  await within(config, () => addBridge(tree, config));
  await addOverlays(tree, config.deviceTree.overlays);
  return tree;
}

async function readBase(config: VmConfig, folder: RuntimeFolder): Promise<Tree> {
  const { dtb } = config;
  if (dtb !== undefined) return parseTree(await readFile(dtb), { file: dtb });
  return parseTree(await machineTree(config, folder.file('dumped.dtb')), {
    file: `${config.qemu.binary}'s device tree`,
  });
}

async function addBridge(tree: Tree, { bridge }: VmConfig): Promise<void> {
  const { root } = tree;
  if (bridge.kind === 'vfio-user' || bridge.kind === 'ivc') {
    // With it the guest's kernel would move the BARs, away from where the tree and the boot stub have them.
    for (const node of pciHostsOf(root)) removeNode(tree, node);
  }
  if (bridge.kind === 'vfio-user') (await import('./window.js')).addWindow(tree, bridge.guestAddress);
  if (bridge.kind !== 'ivc') return;
  setLabel(tree, 'intc', gicOf(root));
  (await import('./ivc.js')).addIvc(tree);
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
