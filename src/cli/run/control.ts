import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runtimeFolder, type VmConfig } from '../../config/index.js';
import type { ControlledVm, ControlServer } from '../../control/index.js';
import { GpuvmError } from '../../errors.js';

/** The control socket of the VM that this program runs. What serves it is loaded while QEMU starts. */
export class Control {
  readonly #vm: ControlledVm;
  readonly #config: Pick<VmConfig, 'name' | 'control'>;
  readonly #note: (text: string) => void;
  #opened: Promise<ControlServer | undefined> | undefined;

  constructor(vm: ControlledVm, config: Pick<VmConfig, 'name' | 'control'>, note: (text: string) => void) {
    this.#vm = vm;
    this.#config = config;
    this.#note = note;
  }

  /** Whether there is a socket already: a running VM's, or one that a dead one left. */
  get mayBeTaken(): boolean {
    const { name, control } = this.#config;
    return existsSync(control.socket ?? join(runtimeFolder(), `${name}.sock`));
  }

  /**
   * Serves the VM, once however often it is called. A VM of this name that runs already is an error; that a user has no
   * folder for sockets is not, unless the VM file names one: the VM is then controlled by this program's terminal alone.
   */
  open(): Promise<ControlServer | undefined> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  async close(): Promise<void> {
    await (await this.#opened?.catch(() => undefined))?.close();
  }

  async #open(): Promise<ControlServer | undefined> {
    const { controlPath, serveControl } = await import('../../control/index.js');
    const { name, control } = this.#config;
    const { socket, group, mode } = control;
    try {
      return await serveControl(this.#vm, {
        path: socket ?? controlPath(name),
        mode,
        ...(group !== undefined && { group }),
      });
    } catch (error) {
      const isOptional = socket === undefined && group === undefined && GpuvmError.is(error, 'GPUVM_CONTROL');
      if (!isOptional) throw error;
      this.#note(`no control socket: ${error.message}`);
      return undefined;
    }
  }
}
