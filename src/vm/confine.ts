import { existsSync } from 'node:fs';
import type { VmConfig } from '../config/index.js';
import { nativeProgram } from '../native/index.js';
import type { QemuCommand } from '../qemu/index.js';
import type { QemuAccount } from './account.js';
import { pinnedBytes } from './deadlines.js';

/** What QEMU is kept from when it is started; native/exec-wrapper/main.c does it. */
export interface Confinement {
  /** Who QEMU runs as; undefined for whoever runs gpuvm. */
  readonly account: QemuAccount | undefined;
  /** The host's BPMP device: only the bridge may reach it. */
  readonly device: string | undefined;
  /** VFIO's pinned pages count against a limit that only root may lift. */
  readonly liftMemoryLock: boolean;
  /** QEMU is killed when this process ends, however it ends; not where another one is to take QEMU over. */
  readonly diesWithUs: boolean;
}

export function confinementOf(
  config: VmConfig,
  { account, diesWithUs }: Pick<Confinement, 'account' | 'diesWithUs'>,
): Confinement {
  const device = bpmpDevice(config);
  return {
    account,
    device: device !== undefined && existsSync(device) ? device : undefined,
    liftMemoryLock: account !== undefined && pinnedBytes(config) > 0n,
    diesWithUs,
  };
}

/** The node that QEMU must not get past the bridge; undefined where the VM has nothing to do with one. */
function bpmpDevice({ bridge, backend }: VmConfig): string | undefined {
  if (backend.kind === 'host-device') return backend.path;
  return bridge.kind === 'interposed' ? bridge.device : undefined;
}

/** The command with the wrapper before it; the command itself where there is nothing to confine. */
export function confine(command: QemuCommand, { account, device, ...wanted }: Confinement): QemuCommand {
  const options = [
    ...(device === undefined ? [] : ['--hide', device]),
    // An account of QEMU's own is the promise that the device is out of its reach: the wrapper looks, and refuses.
    ...(device === undefined || account === undefined ? [] : ['--out-of-reach', device]),
    ...(account === undefined ? [] : ['--user', String(account.uid), '--group', String(account.gid)]),
    ...(wanted.liftMemoryLock ? ['--lift-memory-lock'] : []),
    ...(wanted.diesWithUs ? ['--die-with', String(process.pid)] : []),
  ];
  if (options.length === 0) return command;
  const wrapper = nativeProgram('gpuvm-exec');
  // The interposed bridge has it there already, with options of its own.
  if (command.command === wrapper) return { ...command, args: [...options, ...command.args] };
  return { ...command, command: wrapper, args: [...options, '--', command.command, ...command.args] };
}

/** What is to be said of a device that is not quite out of QEMU's reach; undefined where it is. */
export function reachNote({ account, device }: Confinement): string | undefined {
  if (device === undefined || account !== undefined) return undefined;
  if (process.geteuid?.() === 0) {
    return `QEMU runs as root, whom nothing keeps from ${device}: set qemu.user in the VM file`;
  }
  return `QEMU runs as the account that may open ${device}; its path is hidden from QEMU, and qemu.user would be safer`;
}
