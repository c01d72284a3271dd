import type { Command } from '../command.js';
import { bpmpCommands } from './bpmp.js';
import { controlCommands } from './control.js';
import { policyCommands } from './policy.js';
import { runCommands } from './run.js';

/** Every command of `gpuvm`, in the order of its help. */
export const commands: readonly Command[] = [
  ...runCommands,
  ...controlCommands,
  ...policyCommands,
  ...bpmpCommands,
];
