import { afterEach, beforeEach } from 'vitest';
import { FakeVm } from '../../control/fake-vm.js';
import { Sandbox } from '../../control/sandbox.js';

/** A folder of VMs' sockets for each test, which the commands find. */
export class Vms {
  sandbox!: Sandbox;
  vm!: FakeVm;

  constructor() {
    beforeEach(async () => {
      this.sandbox = new Sandbox();
      this.vm = new FakeVm();
      process.env.GPUVM_RUNTIME_DIR = this.sandbox.folder;
      await this.sandbox.serve(this.vm);
    });
    afterEach(async () => {
      delete process.env.GPUVM_RUNTIME_DIR;
      await this.sandbox.clear();
    });
  }
}
