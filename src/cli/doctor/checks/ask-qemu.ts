import type { VmConfig } from '../../../config/index.js';
import type { Check, Said } from '../../../host/checks/index.js';
import { requireProgram } from '../../../qemu/index.js';
import type { Given } from '../given.js';

export type Asking = Given & { readonly config: VmConfig };

/** Only where there is a VM file and its QEMU can be run: that there is none has been said. */
export function ask(run: (given: Asking) => Promise<Said[]>): Check<Given>['run'] {
  return async (given) => {
    const { config } = given;
    return config && isProgram(config.qemu.binary) ? run({ ...given, config }) : [];
  };
}

export function isProgram(program: string): boolean {
  try {
    requireProgram(program);
    return true;
  } catch {
    return false;
  }
}
