/** gpuvm as a library: VM files, a VM's life, its bridge and policy, BPMP requests by name, captures of them, QMP. */
export { type Backend, type BackendConfig, createBackend, SimulatedBpmp } from './bpmp/backend/index.js';
export {
  CaptureFile,
  CaptureWriter,
  decodeTransfer,
  encodeTransfer,
  type Notice,
  type ReadOptions,
  readCapture,
  type TransferRecord,
  transferBlock,
} from './bpmp/capture/index.js';
export { type Field, fieldByName, fields, fieldsOf, valuesOf } from './bpmp/fields/index.js';
export { compileFilter, type Filter } from './bpmp/filter/index.js';
export { type CompiledPolicy, loadPolicy, Policy, parsePolicy } from './bpmp/policy/index.js';
export { tegra234 } from './bpmp/tegra234/index.js';
export {
  type DecodedReply,
  type DecodedRequest,
  decodeReply,
  decodeRequest,
  describe,
  encodeReply,
  encodeRequest,
  parseRequestWords,
} from './bpmp/wire/index.js';
export { type BridgeConfig, type BridgeEnded, BridgeHandle, startBridge } from './bpmp/worker/index.js';
export { loadVmFile, parseVmFile, type VmConfig } from './config/index.js';
export {
  ControlClient,
  type ControlledVm,
  ControlServer,
  controlPath,
  findVm,
  listVms,
  serveControl,
  type VmEvent,
  type VmStatus,
} from './control/index.js';
export { type ErrorCode, ExitStatus, errorCodes, GpuvmError, type Place } from './errors.js';
export * from './qmp/index.js';
export {
  type Ending,
  type EndReport,
  endings,
  type Rung,
  Supervisor,
  type SupervisorOptions,
  type SupervisorReport,
  VirtualMachine,
  type VmOptions,
  type VmState,
} from './vm/index.js';
