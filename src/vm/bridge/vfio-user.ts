import { writeFile } from 'node:fs/promises';
import { type BarFact, IVC_DEVICES, ivcBars, windowBars } from '../../bpmp/bridge/vfio-user/index.js';
import type { BridgeHandle, IvcConfig, VfioUserConfig } from '../../bpmp/worker/index.js';
import type { BridgeChoice } from '../../config/index.js';
import { type VfioUserDevice, vfioUserDevices, WINDOW_SLOT } from '../../qemu/index.js';
import type { RuntimeFolder } from '../runtime-folder.js';
import type { Start, VmBridge } from './bridge.js';

/** The window, as one device. */
export async function openVfioUser(
  { layout, guestAddress }: Extract<BridgeChoice, { kind: 'vfio-user' }>,
  folder: RuntimeFolder,
  start: Start<VfioUserConfig>,
): Promise<VmBridge> {
  const socketPath = folder.file('bridge');
  const address = guestAddress === undefined ? {} : { guestAddress };
  const handle = await start({ kind: 'vfio-user', socketPath, layout, ...address });
  const devices = [{ socketPath, slot: WINDOW_SLOT }];
  return withDevices(handle, folder, devices, () => windowBars(guestAddress));
}

/** Doorbells and shared memory, as two. */
export async function openIvc(
  { layout }: Extract<BridgeChoice, { kind: 'ivc' }>,
  folder: RuntimeFolder,
  start: Start<IvcConfig>,
): Promise<VmBridge> {
  const sockets = { hsp: folder.file('hsp'), sram: folder.file('sram') };
  const handle = await start({ kind: 'ivc', sockets, layout });
  const devices = (['hsp', 'sram'] as const).map((name) => ({
    socketPath: sockets[name],
    slot: IVC_DEVICES[name].slot,
  }));
  return withDevices(handle, folder, devices, () => ivcBars());
}

async function withDevices(
  handle: BridgeHandle,
  folder: RuntimeFolder,
  devices: readonly VfioUserDevice[],
  bars: () => BarFact[],
): Promise<VmBridge> {
  try {
    const stubPath = folder.file('boot-stub');
    const { arguments: qemuArguments, stub } = vfioUserDevices({ devices, bars: bars(), stubPath });
    await writeFile(stubPath, stub);
    return { handle, qemuArguments, wrap: (command) => command, spawned: () => {} };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
