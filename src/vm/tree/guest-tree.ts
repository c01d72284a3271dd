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
import { dumpTree } from '../../qemu/index.js';
import type { RuntimeFolder } from '../runtime-folder.js';
import { gicOf, pciHostsOf } from './nodes.js';

/** A guest's device tree on its way: its beginning is read while the bridge comes up. */
export interface GuestTree {
  /** Adds what only the bridge knows, and flattens it. */
  finish(guest: GuestView | undefined): Promise<Uint8Array>;
}

/** Begins with the VM file's `dtb`, or with QEMU's own; undefined where QEMU is to be left to itself. */
export function guestTree(config: VmConfig, folder: RuntimeFolder): GuestTree | undefined {
  const { bridge, deviceTree } = config;
  const isServed = bridge.kind === 'vfio-user' || bridge.kind === 'ivc';
  if (!isServed && deviceTree.overlays.length === 0) return undefined;
  const base = readBase(config, folder);
  // It is waited for in `finish`; until then a failure of the bridge may be the one that counts.
  base.catch(() => {});
  return {
    async finish(guest) {
      const tree = await base;
      await within(config, () => addBridge(tree, config, guest));
      await addOverlays(tree, deviceTree.overlays);
      return writeTree(tree);
    },
  };
}

async function readBase(config: VmConfig, folder: RuntimeFolder): Promise<Tree> {
  const { dtb } = config;
  if (dtb !== undefined) return parseTree(await readFile(dtb), { file: dtb });
  return parseTree(await dumpTree(config, folder.file('dumped.dtb')), {
    file: `${config.qemu.binary}'s device tree`,
  });
}

async function addBridge(tree: Tree, { bridge }: VmConfig, guest: GuestView | undefined): Promise<void> {
  const { root } = tree;
  if (bridge.kind === 'vfio-user' || bridge.kind === 'ivc') {
    // With it the guest's kernel would move the BARs, away from where the tree and the boot stub have them.
    for (const node of pciHostsOf(root)) removeNode(tree, node);
  }
  if (bridge.kind === 'vfio-user') (await import('./window.js')).addWindow(tree, bridge.guestAddress);
  if (bridge.kind !== 'ivc') return;
  setLabel(tree, 'intc', gicOf(root));
  (await import('./ivc.js')).addIvc(tree, guest ?? NOTHING);
}

const NOTHING: GuestView = { i2cBuses: [], thermal: false, observed: false };

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
