import { broken, doctor } from './run-case-doctor.js';
import { killedQemu, killedSupervisor, runAgain } from './run-case-killed.js';
import { memlock, refusals } from './run-case-refused.js';
import { whole } from './run-case-whole.js';

/** Each sees, and does not judge. */
export const runCases: Readonly<Record<string, (before: Record<string, string>) => Promise<unknown>>> = {
  whole,
  'killed-qemu': killedQemu,
  'killed-supervisor': killedSupervisor,
  again: runAgain,
  refusals,
  memlock,
  doctor,
  broken,
};
