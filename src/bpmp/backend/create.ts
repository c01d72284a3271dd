import type { Backend } from './backend.js';
import { HostDevice, type HostDeviceOptions } from './host-device/index.js';
import { type ModelMemory, SimulatedBpmp, type SimulatedOptions } from './simulated/index.js';

/** Which BPMP answers, as plain data: it stands in a VM file and crosses to the worker. */
export type BackendConfig =
  | ({ readonly kind: 'simulated' } & SimulatedOptions)
  | ({ readonly kind: 'host-device'; readonly path: string } & HostDeviceOptions);

/**
 * Makes the backend that a configuration names; throws GPUVM_HOST_DEVICE where the device cannot be opened.
 * @param memory - what a simulated one keeps its state in
 */
export function createBackend(config: BackendConfig, memory?: ModelMemory): Backend {
  if (config.kind === 'simulated') return new SimulatedBpmp(config, memory);
  return HostDevice.open(config.path, config);
}
