import type { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { runtimeFolder, type VmConfig } from '../config/index.js';
import type { HandOver } from './hand-over/index.js';
import type { EndReport } from './report.js';
import type { Step } from './states.js';
import type { SupervisorEvents } from './supervisor-events.js';
import type { SupervisorOptions } from './supervisor-options.js';
import { VirtualMachine } from './virtual-machine.js';
import type { VmState } from './vm-events.js';

/** How one run of QEMU came out: it ran and ended, or it never ran. */
export type RunResult =
  | { readonly end: EndReport; readonly error?: never }
  | { readonly error: unknown; readonly end?: never };

/** What a run's states are for its supervisor. */
export const stepOf: Readonly<Partial<Record<VmState, Step>>> = {
  bridge: 'bridge',
  qemu: 'qemu',
  monitor: 'monitor',
  running: 'run',
  stopping: 'stop',
};

/** What a supervisor's listeners hear of each run, as it is. */
const FORWARDED = [
  'bridge',
  'tree',
  'qemu',
  'stderr',
  'rung',
  'note',
  'asked',
  'event',
  'paused',
  'guest-reset',
  'bridge-ended',
] as const;

/** One run of QEMU as a supervisor has it: with its VM file's pinning and its ledger. */
export function supervisedRun(
  config: VmConfig,
  { record, startBridge, openBridge, handOver, beforeGuest }: SupervisorOptions,
  takeOver?: HandOver,
): VirtualMachine {
  const { cpuPinning } = config;
  return new VirtualMachine(config, {
    record,
    startBridge,
    openBridge,
    ...(handOver ? { survives: true } : { diesWithUs: true }),
    ...(takeOver && { takeOver }),
    ledgerFile: join(runtimeFolder(), 'ledgers', config.name, 'ledger'),
    resetEnds: config.onGuestReset === 'restart',
    beforeGuest: async (qmp, { pid }) => {
      if (cpuPinning) await (await import('./pinning.js')).pinCpus(cpuPinning, qmp, pid);
      await beforeGuest?.();
    },
  });
}

/** What a run tells, its supervisor tells too. */
export function forward(vm: VirtualMachine, tell: EventEmitter<SupervisorEvents>): void {
  // biome-ignore lint/suspicious/noExplicitAny: the events' arguments are handed on as they are
  for (const name of FORWARDED) vm.on(name, (...values: any[]) => tell.emit(name, ...(values as never)));
}
