import type { VmConfig } from '../config/index.js';

export interface RuntimeArguments {
  /** The Unix socket that QEMU is to listen on for QMP. */
  readonly qmpPath: string;
  /** What the bridge needs of QEMU: its device, its boot stub. */
  readonly bridge?: readonly string[];
  /** The guest's device tree, where it is another than the VM file's. */
  readonly dtb?: string | undefined;
}

/** The arguments that say what machine it is, and so what device tree QEMU makes for it. */
export function machineArguments(config: VmConfig): string[] {
  return [
    ...['-machine', config.machine],
    ...option('-cpu', config.cpu),
    ...['-smp', String(config.smp)],
    ...option('-m', config.memory === undefined ? undefined : formatMemory(config.memory)),
  ];
}

/**
 * QEMU's arguments for a VM file, without the program itself. The guest's console is QEMU's standard input and
 * output; signals of a terminal are not QEMU's business but ours.
 */
export function qemuArguments(config: VmConfig, runtime: RuntimeArguments): string[] {
  return [
    ...['-name', config.name],
    ...['-nodefaults', '-no-user-config'],
    ...['-display', 'none'],
    ...machineArguments(config),
    ...option('-kernel', config.kernel),
    ...option('-initrd', config.initrd),
    ...option('-dtb', runtime.dtb ?? config.dtb),
    ...option('-append', config.append),
    ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    // The guest waits for its supervisor: nothing that it does, its end above all, is missed.
    '-S',
    ...['-qmp', `unix:${escapeOption(runtime.qmpPath)},server=on,wait=off`],
    ...(runtime.bridge ?? []),
    ...config.extraArguments,
  ];
}

function option(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [name, value];
}

/** A comma in a value of QEMU's `key=value,…` options is written twice. */
export function escapeOption(value: string): string {
  return value.replaceAll(',', ',,');
}

function formatMemory(bytes: bigint): string {
  return bytes % 1024n ** 2n === 0n ? `${bytes / 1024n ** 2n}M` : `${bytes / 1024n}K`;
}
