import { writeFile } from 'node:fs/promises';
import {
  type BarFact,
  IVC_DEVICES,
  ivcBars,
  listenAt,
  windowBars,
} from '../../bpmp/bridge/vfio-user/index.js';
import type { IvcConfig, VfioUserConfig } from '../../bpmp/worker/index.js';
import type { BridgeChoice } from '../../config/index.js';
import { type VfioUserDevice, vfioUserDevices, WINDOW_SLOT } from '../../qemu/index.js';
import type { RuntimeFolder } from '../runtime-folder.js';
import type { Start, VmBridge } from './bridge.js';

/** The window, as one device, whose socket is there at once: QEMU and the bridge's thread start side by side. */
export async function openVfioUser(
  { layout, guestAddress }: Extract<BridgeChoice, { kind: 'vfio-user' }>,
  folder: RuntimeFolder,
  start: Start<VfioUserConfig>,
  isTakenOver: boolean,
): Promise<VmBridge> {
  const socketPath = folder.file('bridge');
  const address = guestAddress === undefined ? {} : { guestAddress };
  const devices = [{ socketPath, slot: WINDOW_SLOT }];
  const prepared = await prepare(folder, devices, windowBars(guestAddress));
  const listenerFd = isTakenOver ? {} : { listenerFd: listenAt(socketPath) };
  return { ready: start({ kind: 'vfio-user', socketPath, ...listenerFd, layout, ...address }), ...prepared };
}

/** Doorbells and shared memory, as two. The guest's tree follows from what the bridge grants, so it comes first. */
export async function openIvc(
  { layout }: Extract<BridgeChoice, { kind: 'ivc' }>,
  folder: RuntimeFolder,
  start: Start<IvcConfig>,
): Promise<VmBridge> {
  const sockets = { hsp: folder.file('hsp'), sram: folder.file('sram') };
  const devices = (['hsp', 'sram'] as const).map((name) => ({
    socketPath: sockets[name],
    slot: IVC_DEVICES[name].slot,
  }));
  const prepared = await prepare(folder, devices, ivcBars());
  const handle = await start({ kind: 'ivc', sockets, layout });
  return { ready: Promise.resolve(handle), ...prepared };
}

async function prepare(
  folder: RuntimeFolder,
  devices: readonly VfioUserDevice[],
  bars: BarFact[],
): Promise<Omit<VmBridge, 'ready'>> {
  const stubPath = folder.file('boot-stub');
  const { arguments: qemuArguments, stub } = vfioUserDevices({ devices, bars, stubPath });
  await writeFile(stubPath, stub);
  return { qemuArguments, wrap: (command) => command, spawned: () => {} };
}
