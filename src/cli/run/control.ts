import type { VmConfig } from '../../config/index.js';
import type { ControlledVm, ControlServer } from '../../control/index.js';
import { GpuvmError } from '../../errors.js';

/**
 * Serves the VM on its control socket. A VM of this name that runs already is an error; that a user has no folder for
 * sockets is not, unless the VM file names one: the VM is then controlled by this program's own terminal alone.
 */
export async function openControl(
  vm: ControlledVm,
  { name, control }: Pick<VmConfig, 'name' | 'control'>,
  note: (text: string) => void,
): Promise<ControlServer | undefined> {
  const { controlPath, serveControl } = await import('../../control/index.js');
  const { socket, group, mode } = control;
  try {
    return await serveControl(vm, {
      path: socket ?? controlPath(name),
      mode,
      ...(group !== undefined && { group }),
    });
  } catch (error) {
    const isOptional = socket === undefined && group === undefined && GpuvmError.is(error, 'GPUVM_CONTROL');
    if (!isOptional) throw error;
    note(`no control socket: ${error.message}`);
    return undefined;
  }
}
