import type { Command } from '../command.js';
import { bpmpCommands } from './bpmp.js';
import { configCommands } from './config.js';
import { controlCommands } from './control.js';
import { deviceCommands } from './devices.js';
import { doctorCommands } from './doctor.js';
import { dtCommands } from './dt.js';
import { planCommands } from './plan.js';
import { policyCommands } from './policy.js';
import { recoverCommands } from './recover.js';
import { runCommands } from './run.js';
import { unitCommands } from './unit.js';

/** Every command of `gpuvm`, in the order of its help. */
export const commands: readonly Command[] = [
  ...runCommands,
  ...planCommands,
  ...doctorCommands,
  ...controlCommands,
  ...deviceCommands,
  ...recoverCommands,
  ...unitCommands,
  ...configCommands,
  ...policyCommands,
  ...bpmpCommands,
  ...dtCommands,
];
