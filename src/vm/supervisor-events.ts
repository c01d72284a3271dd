import type { HookRun } from './hooks.js';
import type { HostUndone } from './host-devices.js';
import type { SupervisorState } from './states.js';
import type { VmEvents } from './vm-events.js';

/** What a `VirtualMachine` tells, and what goes on around its runs. */
export interface SupervisorEvents extends Omit<VmEvents, 'state'> {
  state: [state: SupervisorState];
  /** It is to end for good, whoever asked for it: a signal, the control socket, a program. Once. */
  'stop-asked': [];
  hook: [run: HookRun];
  /** One line that a hook printed. */
  'hook-output': [line: string];
  /** The host's devices are the guest's. */
  devices: [names: readonly string[]];
  /** One run of QEMU is over, and how. */
  'run-end': [end: { readonly ending: string; readonly message: string }];
  /** Another one follows after the delay. */
  restart: [restart: { readonly number: number; readonly delayMs: number; readonly reason: string }];
  /** A run that ended badly was written down, in these two files. */
  'crash-report': [stored: { readonly text: string; readonly json: string }];
  /** The host's devices went back. */
  undone: [undone: HostUndone];
}
