export { type Backend, MAX_PAYLOAD, type Outcome, type RequestListener } from './backend.js';
export { type BackendConfig, createBackend } from './create.js';
export { HostDevice, type HostDeviceOptions, type HostDeviceStats } from './host-device/index.js';
export {
  type ClockState,
  type Difference,
  type Fault,
  ModelMemory,
  SimulatedBpmp,
  type SimulatedOptions,
  type SimulatedState,
  type ThermalZoneOptions,
} from './simulated/index.js';
