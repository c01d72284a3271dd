import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { controlFolders } from '../../../control/index.js';
import { GpuvmError } from '../../../errors.js';
import type { Check } from '../../../host/checks/index.js';
import { addon, nativeProgram } from '../../../native/index.js';
import type { Given } from '../given.js';

const OLDEST = [20, 19] as const;

export const nodeVersion: Check<Given> = {
  id: 'gpuvm.node',
  run() {
    const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
    const evidence = `${process.execPath} ${process.version}`;
    if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]))
      return [{ status: 'ok', what: `Node ${process.version}`, evidence }];
    return [
      {
        status: 'fail',
        what: `Node ${process.version} is too old: gpuvm needs 20.19`,
        evidence,
        fix: 'install Node 20.19 or newer (https://nodejs.org)',
      },
    ];
  },
};

export const addonLoads: Check<Given> = {
  id: 'gpuvm.addon',
  run() {
    const path = nativeProgram('gpuvm.node');
    try {
      // Loading is not all: one that was built from older sources lacks what the newer ask for.
      const lacking = ['createMemory', 'tryLockFile', 'getAffinity'].filter((name) => !(name in addon()));
      if (lacking.length === 0) return [{ status: 'ok', what: 'the native addon loads', evidence: path }];
      return [
        {
          status: 'fail',
          what: `the native addon is of another version: it has no ${lacking.join(', ')}`,
          evidence: path,
          fix: 'npm run build:addon',
        },
      ];
    } catch (error) {
      if (!GpuvmError.is(error)) throw error;
      const why = error.cause instanceof Error ? error.cause.message.split('\n')[0] : error.message;
      return [
        {
          status: 'fail',
          what: 'the native addon cannot be loaded',
          evidence: `${path}: ${why}`,
          fix: 'npm run build:addon (or: npm rebuild gpuvm)',
        },
      ];
    }
  },
};

export const wrapper: Check<Given> = {
  id: 'gpuvm.exec',
  run() {
    const path = nativeProgram('gpuvm-exec');
    if (isAllowed(path, constants.X_OK))
      return [{ status: 'ok', what: 'the program that starts QEMU confined is there', evidence: path }];
    const there = existsSync(path);
    return [
      {
        status: 'fail',
        what: `the program that starts QEMU confined ${there ? 'cannot be executed' : 'is not there'}`,
        evidence: path,
        fix: there ? `chmod 0755 ${path}` : 'npm run build:addon (or: npm rebuild gpuvm)',
      },
    ];
  },
};

/** Journals are written before a device is touched, so a VM with devices cannot start without them. */
export const stateFolder: Check<Given> = {
  id: 'gpuvm.state',
  run({ folders, needs }) {
    const wants = needs === undefined || needs.platformDevices || needs.pciDevices;
    if (!wants) return [];
    const { folder, isOurs } = writable(folders.journal);
    const evidence = folder === folders.journal ? folder : `${folders.journal} would be made in ${folder}`;
    if (isOurs) return [{ status: 'ok', what: 'changes to the host can be written down', evidence }];
    return [
      {
        status: needs ? 'fail' : 'warn',
        what: 'changes to the host cannot be written down: no device can be given to a VM',
        evidence: `${evidence}, which may not be written to`,
        fix: 'run gpuvm as root, or give a folder of your own: GPUVM_STATE_DIR, --state-dir',
      },
    ];
  },
};

/** Where control sockets go. */
export const socketFolder: Check<Given> = {
  id: 'gpuvm.runtime',
  run({ sysroot, isLive }) {
    const wanted = isLive ? controlFolders()[0]! : join(sysroot, 'run/gpuvm');
    const { folder, isOurs } = writable(wanted);
    const evidence = folder === wanted ? folder : `${wanted} would be made in ${folder}`;
    if (isOurs) return [{ status: 'ok', what: 'control sockets can be made', evidence }];
    return [
      {
        status: 'fail',
        what: 'control sockets cannot be made: a VM could not be talked to',
        evidence: `${evidence}, which may not be written to`,
        fix: `install -d -m 0750 -o "$USER" ${wanted} as root, or set GPUVM_RUNTIME_DIR`,
      },
    ];
  },
};

/** Whether the folder, or what it would be made in, may be written to. */
function writable(wanted: string): { folder: string; isOurs: boolean } {
  let folder = wanted;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return { folder, isOurs: isAllowed(folder, constants.W_OK | constants.X_OK) };
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
