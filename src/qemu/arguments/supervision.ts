import type { VmConfig } from '../../config/index.js';
import { GUEST_AGENT } from './devices.js';
import { options } from './option.js';
import { CONSOLE, consoleNeeds } from './serial.js';
import { ownArguments } from './vm-arguments.js';

export interface RuntimeArguments {
  /** The Unix socket that QEMU is to listen on for QMP. */
  readonly qmpPath: string;
  /** What the bridge needs of QEMU: its device, its boot stub. */
  readonly bridge?: readonly string[];
  /** The guest's device tree, where it is another than the VM file's. */
  readonly dtb?: string | undefined;
  /** The Unix socket that QEMU is to listen on for who talks to the guest's agent; without one nobody does. */
  readonly guestAgentPath?: string | undefined;
}

/**
 * What a supervised run adds to the VM's own arguments. The guest's console is QEMU's standard input and output;
 * signals of a terminal are not QEMU's business but ours.
 */
export function supervisionArguments(config: VmConfig, runtime: RuntimeArguments): string[] {
  const { chardev, port } = consoleNeeds(config);
  return [
    ...['-name', config.name],
    ...(chardev ? ['-chardev', `stdio,id=${CONSOLE},signal=off`] : []),
    ...(port ? ['-serial', `chardev:${CONSOLE}`] : []),
    ...(config.guestAgent ? ['-chardev', guestAgentChardev(runtime.guestAgentPath)] : []),
    // The guest waits for its supervisor: nothing that it does, its end above all, is missed.
    '-S',
    ...['-qmp', options(`unix:${runtime.qmpPath}`, { server: true, wait: false })],
    // Before the VM's own devices, which then take what slots the bridge's leave.
    ...(runtime.bridge ?? []),
  ];
}

/** All of QEMU's arguments for a supervised run, without the program itself. */
export function qemuArguments(config: VmConfig, runtime: RuntimeArguments): string[] {
  return [
    ...supervisionArguments(config, runtime),
    ...ownArguments(config, { dtb: runtime.dtb, paths: 'absolute' }),
    ...config.extraArguments,
  ];
}

function guestAgentChardev(path: string | undefined): string {
  if (path === undefined) return options('null', { id: GUEST_AGENT });
  return options('socket', { id: GUEST_AGENT, path, server: true, wait: false });
}
