import type { VmConfig } from '../../config/index.js';
import { firmwareArguments, kernelArguments } from './boot.js';
import { type ArgumentContext, argumentContext, type Paths } from './context.js';
import { guestAgentArguments, ownedDeviceArguments, panicArguments, watchdogArguments } from './devices.js';
import { diskArguments } from './disks.js';
import { machineAndMemory } from './machine.js';
import { netArguments } from './nets.js';
import { option } from './option.js';
import { serialArguments } from './serial.js';
import { usbArguments, usbControllerArguments } from './usb.js';

export interface VmArgumentOptions {
  /** The guest's device tree, where it is another than the VM file's. */
  readonly dtb?: string | undefined;
  /**
   * `written` (the default) has relative paths as the file has them, which a QEMU that is started in the file's folder
   * understands; `absolute` has none.
   */
  readonly paths?: Paths;
}

/**
 * What the VM file itself says to QEMU, without the program: what somebody would type. Where the file has a console
 * among its serial ports, or a guest agent, these name character devices that {@link supervisionArguments} makes.
 */
export function vmArguments(config: VmConfig, options: VmArgumentOptions = {}): string[] {
  return [...ownArguments(config, options), ...config.extraArguments];
}

/** All of them but the extra ones, which come after everything else. */
export function ownArguments(config: VmConfig, { dtb, paths = 'written' }: VmArgumentOptions): string[] {
  const context = argumentContext(config, paths);
  return [
    ...surroundings(config),
    ...machineAndMemory(context),
    ...(config.reboot === 'exit' ? ['-no-reboot'] : []),
    ...firmwareArguments(context),
    ...kernelArguments(context),
    ...usbControllerArguments(context),
    ...diskArguments(context),
    ...option('-dtb', dtb ?? treeOf(context)),
    ...netArguments(context),
    ...serialArguments(context),
    ...usbArguments(context),
    ...ownedDeviceArguments(context),
    ...guestAgentArguments(context),
    ...watchdogArguments(context),
    ...panicArguments(context),
    ...option('-append', config.append),
  ];
}

function surroundings({ display, defaults }: VmConfig): string[] {
  return [
    ...(defaults ? [] : ['-nodefaults', '-no-user-config']),
    ...(display === 'nographic' ? ['-nographic'] : ['-display', 'none']),
  ];
}

function treeOf({ config: { dtb }, path }: ArgumentContext): string | undefined {
  return dtb === undefined ? undefined : path(dtb);
}
