import type { EventEmitter } from 'node:events';
import type { VmConfig } from '../config/index.js';
import { headerOf } from './capture-header.js';
import { CaptureToDisk } from './capture-to-disk.js';
import type { SupervisorEvents } from './supervisor-events.js';
import type { SupervisorOptions } from './supervisor-options.js';

/** Keeps what all of a supervised VM's bridges transfer, where its file or its caller wants that. */
export function supervisedCapture(
  vm: EventEmitter<SupervisorEvents> & { readonly config: VmConfig },
  options: Pick<SupervisorOptions, 'capture' | 'takeOver'>,
): CaptureToDisk | undefined {
  const settings = options.capture ?? vm.config.capture;
  if (settings === undefined) return undefined;
  const capture = new CaptureToDisk(settings, headerOf(vm.config), (line) => vm.emit('note', line));
  let isTakenOver = options.takeOver !== undefined;
  vm.on('bridge', (bridge) => {
    capture.follow(bridge, isTakenOver);
    isTakenOver = false;
  });
  return capture;
}
