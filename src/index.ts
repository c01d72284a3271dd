/** gpuvm as a library: VM files, a VM's life, QMP. */
export { loadVmFile, parseVmFile, type VmConfig } from './config/index.js';
export { type ErrorCode, ExitStatus, errorCodes, GpuvmError, type Place } from './errors.js';
export * from './qmp/index.js';
export {
  type Ending,
  type EndReport,
  endings,
  type Rung,
  VirtualMachine,
  type VmOptions,
  type VmState,
} from './vm/index.js';
