import { type Check, hostChecks } from '../../host/checks/index.js';
import { fileAccess } from './checks/access.js';
import { deviceRow } from './checks/devices.js';
import { filesThere, policyFile, vmFile } from './checks/files.js';
import { addonLoads, nodeVersion, socketFolder, stateFolder, wrapper } from './checks/gpuvm.js';
import { append, treeCpus, treeDevices, treeMemory, treeWindow } from './checks/guest.js';
import { journalsLeft, ledgersLeft, staleSockets, unsupervised } from './checks/leftovers.js';
import { planRow } from './checks/plan.js';
import {
  acceleration,
  account,
  binary,
  machine,
  mmioBase,
  vfioPci,
  vfioPlatform,
  vfioUser,
} from './checks/qemu.js';
import { layout, window } from './checks/qemu-layout.js';
import { systemdVersion, unit } from './checks/systemd.js';
import type { Row } from './examine.js';
import type { Given } from './given.js';
import { rowOf } from './row.js';

const own: readonly Check<Given>[] = [vmFile, filesThere, fileAccess, policyFile];
const qemu: readonly Check<Given>[] = [
  binary,
  account,
  machine,
  acceleration,
  vfioUser,
  vfioPlatform,
  mmioBase,
  vfioPci,
  layout,
  window,
];
const guest: readonly Check<Given>[] = [append, treeCpus, treeMemory, treeWindow, treeDevices];
const gpuvm: readonly Check<Given>[] = [
  nodeVersion,
  addonLoads,
  wrapper,
  stateFolder,
  socketFolder,
  journalsLeft,
  ledgersLeft,
  staleSockets,
  unsupervised,
  systemdVersion,
  unit,
];

/** All checks, in the order in which they are shown. Each id has its section in docs/troubleshooting.md. */
export const rows: readonly Row[] = [
  ...own.map(rowOf),
  ...hostChecks.map(rowOf),
  deviceRow,
  planRow,
  ...qemu.map(rowOf),
  ...guest.map(rowOf),
  ...gpuvm.map(rowOf),
];
